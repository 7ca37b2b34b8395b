"""What the audit log knows, as people see it: stories of deliveries, and attempts of one message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from empath.ops.audit.history import Found
from empath.ops.audit.seeking import Told
from empath.ops.audit.stories import Story, moment_of


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the deliveries of an address or a message."""

    schema: Literal["empath.history/1"] = "empath.history/1"
    asked: str
    since: float
    """From when on was looked."""
    limit: str | None
    """Why not all was looked at: ``time``, ``records`` or ``unreadable``; null: all was. The newest come first."""
    hidden: bool
    """Whether the log hides addresses so that none can be found: only names of messages lead to anything."""
    stories: tuple[Story, ...]
    """The oldest first."""
    left_out: int
    """Older ones than those that are shown."""


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, for those of the recipients that it ended alike for."""

    at: float
    attempt: int
    deliveries: tuple[str, ...]
    recipients: tuple[str, ...]
    outcome: str
    lane: str | None
    mx_server: str | None
    peer: str | None
    tls: str | None
    tls_verified: bool | None
    command: str | None
    code: int | None
    enhanced: str | None
    about: str | None
    """What the failure is about."""
    smtp_response: str
    queue_ms: int | None
    duration_ms: int | None
    stages_ms: dict[str, int]
    next_attempt: str | None


class AttemptList(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts of a message, the oldest first."""

    schema: Literal["empath.attempts/1"] = "empath.attempts/1"
    mid: str
    limit: str | None
    """As in a history."""
    attempts: tuple[AttemptView, ...]


def history_view(found: Found, *, limit: int, hidden: bool) -> HistoryView:
    """The newest of what was found."""
    stories = found.stories()
    return HistoryView(
        asked=found.asked,
        since=found.since,
        limit=found.limit.value if found.limit else None,
        hidden=hidden and "@" in found.asked,
        stories=tuple(stories[-limit:]),
        left_out=max(0, len(stories) - limit),
    )


def attempt_list(mid: str, found: Found) -> AttemptList:
    """The attempts among what was found."""
    records = sorted((one for one in found.records if one.get("event") == "attempt"), key=moment_of)
    return AttemptList(
        mid=mid, limit=found.limit.value if found.limit else None, attempts=tuple([_attempt(one) for one in records])
    )


def _attempt(record: Told) -> AttemptView:
    text: Callable[[str], str | None] = record.get
    number: Callable[[str], int | None] = record.get
    return AttemptView(
        at=moment_of(record),
        attempt=int(record.get("attempt_number", 0)),
        deliveries=tuple(record.get("deliveries", ())),
        recipients=tuple(record.get("recipients", ())),
        outcome=str(record.get("outcome")),
        lane=text("lane"),
        mx_server=text("mx_server"),
        peer=text("peer"),
        tls=text("tls"),
        tls_verified=record.get("tls_verified"),
        command=text("command"),
        code=number("code"),
        enhanced=text("enhanced"),
        about=text("class"),
        smtp_response=str(record.get("smtp_response", "")),
        queue_ms=number("queue_ms"),
        duration_ms=number("duration_ms"),
        stages_ms=dict(record.get("stages_ms", {})),
        next_attempt=text("next_attempt"),
    )
