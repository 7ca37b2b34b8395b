"""A ``Spool`` made of a store and a committer: the same for every backend.

Small bodies travel inside the transaction; large ones are files, durable before the transaction that names them, and
removed after the transaction that forgets them. A file that no row names is therefore rubbish, whenever the process
may have died: ``sweep`` removes it at the next start.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, evolve, field

from empath.mail.ids import MessageId
from empath.spool.committer import Committer
from empath.spool.contract import (
    ANYTHING,
    MAX_RULE_BYTES,
    Acceptance,
    Action,
    Backup,
    Body,
    BodyFile,
    Changed,
    Claimed,
    Damage,
    Demand,
    Fate,
    Page,
    Retention,
    Selector,
    SpoolDamaged,
    SpoolError,
    SpoolFull,
    SpoolWatch,
    Statistics,
    StoredRule,
    Taker,
    Undelete,
    Verified,
    Waiting,
)
from empath.spool.drafts import FileDraft, translated
from empath.spool.inspection import Inspection
from empath.spool.operations import claim_due, claim_of, message_of, put_rule_within_bounds, record_and_accept
from empath.spool.portions import Portions
from empath.spool.removal import Removal
from empath.spool.snapshots import Snapshots
from empath.spool.store import Store
from empath.spool.stored import checksum
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import DISCARD_S, Disk, Offload

BLOCK_BYTES: Final = 128 * 1024
"""How much of a large body is in memory at a time."""
_TENDING: Final = 10
"""Portions in one ``tend``: a tenth of the time of the thread at most, if it is called every second."""


@define(eq=False)
class GroupedSpool:
    """See ``contract.Spool``."""

    _committer: Committer[Store]
    _disk: Disk
    _bodies: PurePath
    _offload: Offload
    _portions: Portions = field(init=False)
    _removal: Removal = field(init=False)
    _snapshots: Snapshots = field(init=False)
    _news: trio.Event = field(init=False, factory=trio.Event)
    _taker: Taker | None = field(init=False, default=None)
    _serials: Iterator[int] = field(init=False, factory=count)
    """They tell apart the files of messages that have drawn the same name, the second of which will be refused."""

    def __attrs_post_init__(self) -> None:
        self._portions = Portions(self._committer)
        self._removal = Removal(self._disk, self._bodies)
        self._snapshots = Snapshots(self._committer, self._disk, self._bodies, self._offload, self._removal)

    @property
    def watch(self) -> SpoolWatch:
        """See ``contract.Spool``."""
        return self._committer.watch

    async def accept(self, acceptance: Acceptance) -> MessageId | None:
        """See ``contract.Spool``."""
        taker = self._taker
        until = None if taker is None else taker.offer(acceptance)
        try:
            number = await self._committer.do(lambda store: store.accept(acceptance, until), durable=True)
        except SpoolFull:
            # For certain there is no row, and the room is wanted. After another error a row may turn up yet.
            with trio.CancelScope(shield=True):
                await self._remove_body(acceptance.body)
            raise
        if isinstance(number, MessageId):
            with trio.CancelScope(shield=True):
                await self._remove_body(acceptance.body)
            return number
        if taker is None or until is None:
            self._news.set()
        else:
            taker.take(claim_of(acceptance, number))
        return None

    async def _remove_body(self, body: Body) -> None:
        if isinstance(body, BodyFile):
            await self._removal.remove([body.name])

    def hand_over_to(self, taker: Taker | None) -> None:
        """See ``contract.Spool``."""
        self._taker = taker

    async def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        operation = partial(claim_due, now=now, until=until, latest=latest, room=room, demand=demand)
        return await self._committer.do(operation, durable=False)

    async def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.sites_aside(), durable=False)

    async def record(self, fates: Sequence[Fate], reports: Sequence[Acceptance] = ()) -> None:
        """See ``contract.Spool``. A report makes the transaction durable: it is all that is left of its deliveries."""
        unneeded = await self._committer.do(
            partial(record_and_accept, fates=fates, reports=reports), durable=bool(reports)
        )
        if reports or any(isinstance(fate, Waiting) for fate in fates):
            self._news.set()
        if unneeded:
            with trio.CancelScope(shield=True):
                await self._forget(unneeded, durable=bool(reports))

    async def wait_news(self) -> None:
        """See ``contract.Spool``."""
        await self._news.wait()
        self._news = trio.Event()

    def ring(self) -> None:
        """Somebody else may have changed what waits."""
        self._news.set()

    async def draft_body(self, mid: MessageId) -> FileDraft:
        """See ``contract.Spool``."""
        name = f"{mid}.{next(self._serials)}"
        try:
            return FileDraft(name, await self._disk.create(self._bodies / name))
        except DiskError as problem:
            raise translated(problem) from problem

    # A generator that is left in the middle must be closed at once: every caller has it in `aclosing`.
    async def read_body(self, body: BodyFile) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        """See ``contract.Spool``."""
        path, known, found = self._bodies / body.name, body.checksum, 0
        try:
            async with await self._disk.open(path) as file:
                if file.size_bytes != body.size_bytes:
                    raise SpoolDamaged(f"its body {path} has {file.size_bytes} octets; {body.size_bytes} were accepted")
                while block := await file.read(BLOCK_BYTES):
                    found = checksum(block, found)
                    yield block  # noqa: ASYNC119
        except FileMissing as problem:
            raise SpoolDamaged(f"its body {path} is missing") from problem
        except DiskError as problem:
            raise translated(problem) from problem
        if known not in (None, found):
            raise SpoolDamaged(f"its body {path} is not what was accepted (checksum)")

    async def body_of(self, mid: MessageId) -> Body | None:
        """See ``contract.Spool``."""
        for in_trash in (False, True):
            chosen = Selector(ids=frozenset({mid}), in_trash=in_trash)
            page = await self._portions.find(chosen, now=0.0, cursor=None, limit=1)
            if page.rows:
                found = await self._committer.do(partial(message_of, number=page.rows[0].key.message), durable=False)
                if isinstance(found, Damage):
                    raise SpoolDamaged(found.reason)
                return found.body
        return None

    async def discard_body(self, body: BodyFile) -> None:
        """See ``contract.Spool``."""
        with trio.move_on_after(DISCARD_S, shield=True):
            await self._removal.remove([body.name])

    async def claim_chosen(self, selector: Selector, *, now: float, until: float, room: int) -> Claimed:
        """See ``contract.Spool``."""
        return await self._portions.claim_chosen(selector, now=now, until=until, room=room)

    async def find(self, selector: Selector, *, now: float, cursor: str | None = None, limit: int = 100) -> Page:
        """See ``contract.Spool``."""
        return await self._portions.find(selector, now=now, cursor=cursor, limit=limit)

    async def count(self, selector: Selector, *, now: float) -> int:
        """See ``contract.Spool``."""
        return await self._portions.count(selector, now=now)

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        """See ``contract.Spool``."""
        chosen = evolve(selector, in_trash=True) if isinstance(action, Undelete) else selector
        try:
            return await self._portions.apply(action, chosen, now=now)
        finally:
            self._news.set()

    async def rules(self) -> list[StoredRule]:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.rules(), durable=False)

    async def put_rule(self, rule: StoredRule) -> None:
        """See ``contract.Spool``."""
        if len(rule.body) > MAX_RULE_BYTES:
            raise SpoolError(f"the rule {rule.id} has {len(rule.body)} octets; at most {MAX_RULE_BYTES} are kept")
        await self._committer.do(partial(put_rule_within_bounds, rule=rule), durable=True)

    async def remove_rule(self, rule_id: str) -> bool:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.remove_rule(rule_id), durable=True)

    async def purge(self, *, now: float, retention: Retention) -> int:
        """See ``contract.Spool``."""
        deliveries, unneeded = await self._portions.purge(now=now, retention=retention)
        if unneeded:
            with trio.CancelScope(shield=True):
                await self._forget(unneeded, durable=False)
        return deliveries

    async def tend(self) -> bool:
        """See ``contract.Spool``."""
        await self._removal.again()
        for _ in range(_TENDING):
            if not await self._committer.do(lambda store: store.tend(), durable=False, patient=True):
                return False
        return True

    async def verify(self, cursor: str | None = None) -> Verified:
        """See ``contract.Spool``."""
        return await Inspection(self._committer, self._disk, self._bodies).verify(cursor)

    async def backup(self, directory: PurePath, *, now: float) -> Backup:
        """See ``contract.Spool``."""
        return await self._snapshots.make(directory, now=now)

    async def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        counted = await self._committer.do(lambda store: store.statistics(), durable=False)
        removal = self._removal
        return evolve(counted, undeleted_files=removal.left, deletion_failures=removal.failures)

    async def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.quarantine(), durable=False)

    async def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        released = await self._committer.do(lambda store: store.release(mid), durable=True)
        self._news.set()
        return released

    async def sweep(self) -> int:
        """Remove body files that no message needs; how many there were. For the start, before anything is accepted."""
        needed = await self._committer.do(lambda store: store.body_files(), durable=False)
        try:
            rubbish = [name for name in await self._disk.list(self._bodies) if name not in needed]
        except DiskError as problem:
            raise translated(problem) from problem
        await self._removal.remove(rubbish)
        return len(rubbish)

    async def _forget(self, names: Sequence[str], *, durable: bool) -> None:
        """Remove the files of messages that are gone: durably gone. A row that came back would be without its body."""
        with suppress(SpoolError):
            if not durable:
                await self._committer.do(lambda store: store.touch(), durable=True)
            await self._removal.remove(names)
