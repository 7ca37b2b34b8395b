"""MTA-STS policies that were fetched, on disk: they hold for weeks, and a restart must not make us forget them.

Whoever could make us forget a policy could lead mail to a host of his own (RFC 8461 10.2). Each policy is a file of its
own, written durably, and read when its domain gets mail for the first time after a start. A disk that fails costs the
memory of what it holds, and no mail.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from contextlib import suppress
from pathlib import PurePath
from typing import Final

import msgspec
import trio
from attrs import define, field, frozen

from empath.policy.encryption.sts import StsPolicy
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import Clock, Disk

_LOG = logging.getLogger(__name__)

_SUFFIX: Final = ".json"
_MAX_BYTES: Final = 256 * 1024
"""More than the largest policy that is kept takes."""


@frozen(kw_only=True)
class KeptPolicy:
    """A policy, and when and as what it was fetched."""

    domain: str
    edition: str
    """The id that the record in DNS had."""
    fetched_at: float
    """Wall clock."""
    policy: StsPolicy

    @property
    def ends_at(self) -> float:
        """When it does not hold any more; wall clock."""
        return self.fetched_at + self.policy.max_age_s


@define(eq=False)
class StsCache:
    """A bounded store, in memory and on disk. When it is full, the policy that was used longest ago is forgotten."""

    _disk: Disk
    _clock: Clock
    _directory: PurePath
    """Made when the first policy is kept."""
    max_policies: int = field(kw_only=True)
    """May be changed at any time."""
    _kept: OrderedDict[str, KeptPolicy | None] = field(init=False, factory=OrderedDict)
    """By file name; None: on disk, and not read yet."""
    _listed: bool = field(init=False, default=False)
    _listing: trio.Lock = field(init=False, factory=trio.Lock)

    async def get(self, domain: str) -> KeptPolicy | None:
        """The policy that is known for a domain and still holds."""
        if not self._listed:
            await self._list()
        name = _name(domain)
        if name not in self._kept:
            return None
        self._kept.move_to_end(name)
        kept = self._kept[name]
        if kept is None:
            kept = self._kept[name] = await self._read(name)
        if kept is None or kept.domain != domain or kept.ends_at <= self._clock.now():
            await self._forget(name)
            return None
        return kept

    async def names(self) -> tuple[str, ...]:
        """All policies that are kept, as names for `read`, the one used longest ago first."""
        if not self._listed:
            await self._list()
        return tuple(self._kept)

    async def read(self, name: str) -> KeptPolicy | None:
        """The policy of this name, if it still holds. That is no use of it."""
        kept = self._kept.get(name) or (await self._read(name) if name in self._kept else None)
        return kept if kept is not None and kept.ends_at > self._clock.now() else None

    async def put(self, kept: KeptPolicy) -> None:
        """Keep a policy in place of any other that the domain had."""
        name = _name(kept.domain)
        self._kept[name] = kept
        self._kept.move_to_end(name)
        try:
            await self._disk.make_directory(self._directory)
            await self._disk.write(self._directory / name, [msgspec.json.encode(kept)])
        except DiskError as problem:
            _LOG.warning("the MTA-STS policy of %s is kept in memory only: %s", kept.domain, problem)
        await self._make_room()

    async def _list(self) -> None:
        async with self._listing:
            if self._listed:
                return
            try:
                names = await self._disk.list(self._directory)
            except FileMissing:
                names = ()
            except DiskError as problem:
                _LOG.warning("MTA-STS policies of earlier times cannot be read: %s", problem)
                names = ()
            self._kept.update(dict.fromkeys(name for name in names if name.endswith(_SUFFIX)))
            self._listed = True
        await self._make_room()

    async def _read(self, name: str) -> KeptPolicy | None:
        path = self._directory / name
        try:
            async with await self._disk.open(path) as file:
                return msgspec.json.decode(await file.read(_MAX_BYTES), type=KeptPolicy)
        except (DiskError, msgspec.MsgspecError) as problem:
            _LOG.warning("the MTA-STS policy in %s cannot be used: %s", path, problem)
            return None

    async def _make_room(self) -> None:
        while len(self._kept) > self.max_policies:
            await self._forget(next(iter(self._kept)))

    async def _forget(self, name: str) -> None:
        self._kept.pop(name, None)
        try:
            with suppress(FileMissing):
                await self._disk.unlink(self._directory / name)
        except DiskError as problem:
            _LOG.warning("an MTA-STS policy cannot be removed: %s", problem)


def _name(domain: str) -> str:
    """A domain can be as long as a file name, and then there is no room for what a file name needs beside it."""
    return hashlib.sha256(domain.encode()).hexdigest() + _SUFFIX
