"""What the audit log says has ended: for a restoration, which must not send it again."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

_ENDS: Final = frozenset({"bounced", "expired"})
_SUFFIXES: Final = (".jsonl", ".jsonl.gz")


class _Line(msgspec.Struct, frozen=True):
    """What counts here of a record."""

    event: str = ""
    deliveries: tuple[str, ...] = ()
    outcome: str = ""


def ended_deliveries(paths: Sequence[Path]) -> frozenset[str]:
    """The names of all deliveries that were delivered, or given up and reported, by the files or directories of a log.

    A line that is no record is passed over: the last one of a log may be cut off. Raises `OSError`.
    """
    decoder = msgspec.json.Decoder(_Line)
    found: set[str] = set()
    for file in _files(paths):
        for line in _lines(file):
            try:
                record = decoder.decode(line)
            except msgspec.DecodeError:
                continue
            if record.event in _ENDS or (record.event == "attempt" and record.outcome == "delivered"):
                found.update(record.deliveries)
    return frozenset(found)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.name.endswith(_SUFFIXES))
        else:
            yield path


def _lines(file: Path) -> Iterator[bytes]:
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        yield from stream
