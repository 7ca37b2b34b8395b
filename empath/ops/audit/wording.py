"""How values are written in records: moments, durations, classes of failures."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from empath.mail.failure_class import FailureClass

SCHEMA: Final = "empath.audit/1"
Record = dict[str, object]


def moment(at: float) -> str:
    """Return a moment as records write it: UTC, to the millisecond."""
    second, part_ms = divmod(round(at * 1000), 1000)
    return f"{_second(second)}.{part_ms:03}Z"


# A busy second has thousands of records.
@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")


def class_name(failure_class: FailureClass | None) -> str | None:
    """What a failure is about; None: nobody knows, or it is none."""
    return failure_class.value if failure_class else None


def milliseconds(seconds: float) -> int:
    """A duration; one that a clock has made negative is none."""
    return round(seconds * 1000) if seconds > 0 else 0
