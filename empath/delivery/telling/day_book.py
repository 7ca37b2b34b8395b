"""The count of each day, in memory, and on disk for the next life of the daemon.

A day has one file, which is written as a whole. A disk that fails costs the memory of what it holds, and no mail.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import PurePath
from typing import Final

import msgspec
from attrs import define, field

from empath.policy.tlsrpt.report import DAY_S
from empath.policy.tlsrpt.results import Published, Trouble
from empath.policy.tlsrpt.tally import DayTally, DomainTally
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import Clock, Disk

_LOG = logging.getLogger(__name__)

_SUFFIX: Final = ".json"
_DOMAINS: Final = msgspec.json.Decoder(tuple[DomainTally, ...])


@define(eq=False)
class DayBook:
    """See the module. Days are counted from 1970-01-01 UTC."""

    _disk: Disk
    _clock: Clock
    _directory: PurePath
    """Made when the first day is saved."""
    _max_results: int = field(kw_only=True)
    _days: dict[int, DayTally] = field(init=False, factory=dict)
    _changed: set[int] = field(init=False, factory=set)

    def add(self, domain: str, policy: Published, trouble: Trouble | None) -> None:
        """Count one connection to the hosts of a domain; without trouble it was a success."""
        day = int(self._clock.now() // DAY_S)
        self._day(day).add(domain, policy, trouble)
        self._changed.add(day)

    @property
    def over(self) -> tuple[int, ...]:
        """The days that have passed, the oldest first."""
        today = self._clock.now() // DAY_S
        return tuple(sorted(day for day in self._days if day < today))

    def domains(self, day: int) -> tuple[DomainTally, ...]:
        """What was counted on a day."""
        return self._day(day).domains

    async def load(self) -> None:
        """Read what was saved in an earlier life. Never fails: what cannot be read is not counted."""
        try:
            names = await self._disk.list(self._directory)
        except FileMissing:
            return
        except DiskError as problem:
            _LOG.warning("results of TLS of earlier times cannot be read: %s", problem)
            return
        for name in names:
            day = name.removesuffix(_SUFFIX)
            if name.endswith(_SUFFIX) and day.isdecimal():
                await self._load(int(day))

    async def save(self) -> None:
        """Write down what was counted since this was last done. Never fails: it is tried again the next time."""
        for day in sorted(self._changed):
            try:
                await self._save(day)
            except DiskError as problem:
                _LOG.warning("results of TLS are kept in memory only: %s", problem)
                return

    async def close(self, day: int, undecided: tuple[str, ...]) -> None:
        """Forget a day but for these domains, in memory and on disk. A DiskError: it may come back."""
        self._day(day).keep_only(undecided)
        # First written, then removed: a removal alone may be undone by a loss of power.
        await self._save(day)
        if not undecided:
            del self._days[day]
            with suppress(FileMissing):
                await self._disk.unlink(self._path(day))

    def _day(self, day: int) -> DayTally:
        if day not in self._days:
            self._days[day] = DayTally(self._max_results)
        return self._days[day]

    async def _save(self, day: int) -> None:
        content = msgspec.json.encode(self._day(day).domains)
        self._changed.discard(day)
        try:
            await self._disk.make_directory(self._directory)
            await self._disk.write(self._path(day), [content])
        except DiskError:
            self._changed.add(day)
            raise

    async def _load(self, day: int) -> None:
        path = self._path(day)
        try:
            async with await self._disk.open(path) as file:
                saved = _DOMAINS.decode(await file.read(file.size_bytes))
        except (DiskError, msgspec.MsgspecError) as problem:
            _LOG.warning("the results of TLS in %s cannot be used: %s", path, problem)
        else:
            self._day(day).restore(saved)

    def _path(self, day: int) -> PurePath:
        return self._directory / f"{day}{_SUFFIX}"
