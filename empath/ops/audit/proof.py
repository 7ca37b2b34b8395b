"""Whether a log is whole: every line a record, their numbers without gaps, and the chain as the key makes it.

It is fed with all lines, the oldest file first. What may be so in a log that nobody has touched is a *note*: a run that
ended without notice, records that the daemon says it dropped, a line that a full disk has torn and that was written
again. Everything else is a *fault*.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from hashlib import blake2b
from typing import Final

from attrs import define, field, frozen

from empath.ops.audit.chain import link, taken_apart
from empath.ops.audit.seeking import Told, as_record
from empath.ops.audit.wording import SCHEMA

MOST_FINDINGS: Final = 1000
"""Further ones are counted."""
_REMEMBERED: Final = 2000
"""Lines that are known again when they were written twice: a batch has fewer."""
_ALWAYS: Final = ("event", "time", "seq", "node")
_BEGINNING: Final = b'{"timestamp":'
_BEGINNINGS: Final = frozenset({"start", "restore"})


class Flaw(Enum):
    """What is not as in a log that was written without a hitch."""

    MALFORMED = "malformed"
    """A line is no record."""
    GAP = "gap"
    """Records are missing."""
    ORDER = "order"
    """A number comes again, for something else."""
    CHANGED = "changed"
    """A record is not the one that the chain was made with, or one before it is not."""
    UNCHAINED = "unchained"
    """A record has no link, and those before it have."""
    UNREADABLE = "unreadable"
    """A file cannot be unpacked."""
    DROPPED = "dropped"
    """The daemon has dropped records, and says so."""
    TORN = "torn"
    """A part of a line, which stands whole behind it."""
    TWICE = "twice"
    """Lines that were written again after the disk had failed."""
    UNFINISHED = "unfinished"
    """A run without its end: the daemon was killed, or is running."""

    @property
    def is_fault(self) -> bool:
        """Whether it should not be."""
        return self in _FAULTS


_FAULTS: Final = frozenset(
    {Flaw.MALFORMED, Flaw.GAP, Flaw.ORDER, Flaw.CHANGED, Flaw.UNCHAINED, Flaw.UNREADABLE},
)


@frozen
class Finding:
    """One of them."""

    flaw: Flaw
    file: str
    line: int
    detail: str


@frozen
class _Part:
    """A line that is no record. It may be a part of one that comes soon."""

    text: bytes
    file: str
    line: int
    until: int
    """After so many records in all it does not come any more."""

    @property
    def may_be_torn(self) -> bool:
        """Whether it begins as all records do."""
        return self.text.startswith(_BEGINNING[: len(self.text)])


@define(eq=False, kw_only=True)
class Proof:
    """See the module."""

    key: bytes | None = field(repr=False)
    """None: links are not looked at."""
    records: int = field(init=False, default=0)
    runs: int = field(init=False, default=0)
    chained: int = field(init=False, default=0)
    """Records with a link that fits."""
    faults: int = field(init=False, default=0)
    findings: list[Finding] = field(init=False, factory=list)
    last_link: str = field(init=False, default="")
    _file: str = field(init=False, default="")
    _line: int = field(init=False, default=0)
    _seq: int | None = field(init=False, default=None)
    """Of the latest record; None: there was none."""
    _ended: bool = field(init=False, default=True)
    """Whether the run of the latest record has come to its end."""
    _torn: list[_Part] = field(init=False, factory=list)
    _ends: set[str] = field(init=False, factory=set)
    """The last link of each run."""
    _recent: deque[bytes] = field(init=False, factory=lambda: deque(maxlen=_REMEMBERED))

    def begin(self, file: str) -> None:
        """A file begins."""
        self._file, self._line = file, 0

    def take(self, line: bytes) -> None:
        """Look at a line, without its end."""
        self._line += 1
        if not line:
            return  # written after the disk had failed, in case it had left half a line
        if self._torn:
            self._settle_torn(line)
        record = as_record(line)
        if record is None or record.get("schema") != SCHEMA or not all(name in record for name in _ALWAYS):
            self._torn.append(_Part(line, self._file, self._line, self.records + _REMEMBERED))
            return
        digest = blake2b(line, digest_size=16).digest()
        if digest in self._recent:
            self._find(Flaw.TWICE, f"record {record['seq']}")
            return
        self._recent.append(digest)
        self.records += 1
        begins = record["event"] in _BEGINNINGS and record["seq"] == 1
        self._check_number(record, begins=begins)
        self._check_link(line, record, begins=begins)
        self._seq, self._ended = int(record["seq"]), record["event"] in ("stop", "restore")

    def end(self) -> None:
        """There are no more lines."""
        for part in self._torn:
            is_last = (part.file, part.line) == (self._file, self._line)
            self._settle(part, Flaw.TORN if is_last and part.may_be_torn else Flaw.MALFORMED)
        if not self._ended:
            self._find(Flaw.UNFINISHED, "the latest run has no end: the daemon runs, or was killed")

    def unreadable(self, why: str) -> None:
        """A file could not be read to its end."""
        self._find(Flaw.UNREADABLE, why)
        self._seq, self.last_link = None, ""

    def _check_number(self, record: Told, *, begins: bool) -> None:
        seq, before = int(record["seq"]), self._seq
        if begins:
            self.runs += 1
            if before is not None and not self._ended:
                self._find(Flaw.UNFINISHED, "the run before this one has no end: the daemon was killed")
            return
        if before is None:
            return  # what was before is too old to be here, or could not be read
        missing = seq - before - 1
        if missing < 0:
            self._find(Flaw.ORDER, f"record {seq} comes after record {before}")
        elif missing and record.get("dropped") == missing:
            self._find(Flaw.DROPPED, f"{missing} before record {seq}")
        elif missing:
            self._find(Flaw.GAP, f"{missing} missing before record {seq}")

    def _check_link(self, line: bytes, record: Told, *, begins: bool) -> None:
        parts = taken_apart(line)
        if parts is None:
            if self.last_link and not begins:
                self._find(Flaw.UNCHAINED, f"record {record['seq']}")
            self.last_link = ""
            return
        text, found = parts
        before = self.last_link
        if begins:
            before = str(record.get("previous", ""))
            self._ends.add(self.last_link)
            if before not in self._ends and self.runs > 1:
                self._find(Flaw.GAP, "the run before this one is missing, or its end")
        is_first = not before and not begins and self._seq is None
        if self.key is not None and not is_first:
            if link(text, before=before, key=self.key) == found:
                self.chained += 1
            else:
                self._find(Flaw.CHANGED, f"record {record['seq']}, or what stood before it")
        self.last_link = found

    def _settle_torn(self, line: bytes) -> None:
        """Say what lines were that are no records, as far as that is known by now."""
        for part in self._torn[:]:
            if part.may_be_torn and line.startswith(part.text):
                self._torn.remove(part)
                self._settle(part, Flaw.TORN)
            elif not part.may_be_torn or self.records > part.until:
                self._torn.remove(part)
                self._settle(part, Flaw.MALFORMED)

    def _settle(self, part: _Part, flaw: Flaw) -> None:
        self._find(flaw, part.text[:60].decode(errors="replace"), place=(part.file, part.line))

    def _find(self, flaw: Flaw, detail: str, *, place: tuple[str, int] | None = None) -> None:
        self.faults += flaw.is_fault
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(flaw, *(place or (self._file, self._line)), detail))
