"""What may be under way when the power fails, or a call does: courses of events, and what was promised in each."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Final

import trio
from attrs import define, evolve, field

from empath.mail.delivery import Status
from empath.sim import SimulatedWorld
from empath.sim.disk import SimulatedFiles, Trouble
from empath.spool.contract import (
    Acceptance,
    Claim,
    Delete,
    Demand,
    Fingerprint,
    Finished,
    Hold,
    Quarantined,
    Release,
    Retention,
    Selector,
    Spool,
    SpoolError,
    StoredRule,
    Undelete,
    Waiting,
)
from empath.spool.snapshots import MANIFEST, QUEUE
from empath.world.disk import DurableDisk
from tests.contracts.spools import NOW, Machine, Place, claim, content, message, mid
from tests.spool.recorder import Moment, RecordedFiles

LARGE = bytes(at % 251 for at in range(300_000))
COPY: Final = PurePosixPath("/copy")


@define
class Promises:
    """What the spool was asked for, and what of that it has acknowledged, by the numbers of messages."""

    accepted: set[int] = field(factory=set)
    offered: set[int] = field(factory=set)
    finished: set[int] = field(factory=set)
    """Durably: they must not come back."""
    may_be_gone: set[int] = field(factory=set)
    """They may come back, and need not."""
    quarantined: set[int] = field(factory=set)
    """Durably: they are listed, and not claimed."""
    held: set[int] = field(factory=set)
    """Durably: they are found on hold, and not claimed."""
    either: set[tuple[int, int]] = field(factory=set)
    """Of each two exactly one is there."""
    sent: set[tuple[int, str]] = field(factory=set)
    """Messages and domains that may have been recorded as delivered."""
    surely_sent: set[tuple[int, str]] = field(factory=set)
    """Durably: they must not come back."""
    rules: dict[str, bool | None] = field(factory=dict)
    """Whether they are there; None: perhaps."""
    once: set[int] = field(factory=set)
    """Messages that were offered with a fingerprint: it is known as long as they are there, and only if they were."""

    def domains_are_right(self, number: int, domains: list[str]) -> bool:
        """Whether these are the deliveries that a message may have now."""
        both = {(number, domain) for domain in ("a.example", "b.example")}
        there = {(number, domain) for domain in domains}
        return len(there) == len(domains) and both - self.sent <= there <= both - self.surely_sent

    async def accept(self, spool: Spool, number: int) -> None:
        self.offered.add(number)
        await spool.accept(message(number, "a.example", "b.example", body=b"body of %d" % number))
        self.accepted.add(number)

    async def accept_once(self, spool: Spool, number: int) -> None:
        """Have it accepted unless it was, as far as can be known; that is, offer it with its fingerprint."""
        self.offered.add(number)
        self.once.add(number)
        await spool.accept(with_fingerprint(number))
        self.accepted.add(number)

    async def accept_large(self, spool: Spool, number: int) -> None:
        self.offered.add(number)
        draft = await spool.draft_body(mid(number))
        await draft.write(LARGE)
        await spool.accept(message(number, "a.example", "b.example", body=await draft.commit()))
        self.accepted.add(number)


def with_fingerprint(number: int) -> Acceptance:
    """The same message each time that it is offered, but for its name, which is a new one."""
    made = message(number, "a.example", "b.example", body=b"body of %d" % number)
    return evolve(made, fingerprint=Fingerprint(b"digest of %d" % number, NOW - 60))


async def accept_some(spool: Spool, promises: Promises) -> None:
    for number in (10, 11):
        await promises.accept(spool, number)


async def accept_together(spool: Spool, promises: Promises) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(10, 15):
            nursery.start_soon(promises.accept, spool, number)


async def accept_large(spool: Spool, promises: Promises) -> None:
    for number in (10, 11):
        await promises.accept_large(spool, number)


async def claim_and_postpone(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        await spool.record([Waiting(key=each.key, next_attempt=NOW, attempts=1) for each in one.deliveries])
    await promises.accept(spool, 10)


async def claim_and_finish(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        promises.may_be_gone.add(one.mid.number)
        await spool.record([Finished(key=each.key) for each in one.deliveries])
    await promises.accept(spool, 10)
    promises.finished |= promises.may_be_gone


async def finish_with_reports(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        number = one.mid.number
        promises.may_be_gone.add(number)
        promises.offered.add(number + 100)
        promises.either.add((number, number + 100))
        report = message(number + 100, "a.example", "b.example", body=b"body of %d" % (number + 100))
        await spool.record([Finished(key=each.key) for each in one.deliveries], [report])
        promises.finished.add(number)
        promises.accepted.add(number + 100)


async def finish_one_of_two(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        first, second = one.deliveries
        promises.sent.add((one.mid.number, first.domain))
        waiting = Waiting(key=second.key, next_attempt=NOW, attempts=1, last=b"later")
        await spool.record([Finished(key=first.key), waiting])
    await promises.accept(spool, 10)
    promises.surely_sent |= promises.sent
    for one in (await claim(spool)).claims:
        if one.mid.number != 10:
            promises.may_be_gone.add(one.mid.number)
            await spool.record([Finished(key=each.key) for each in one.deliveries])
    await promises.accept(spool, 11)
    promises.finished |= promises.may_be_gone


async def set_aside_and_recall(spool: Spool, promises: Promises) -> None:
    await claim(spool, latest=NOW + 100, demand=Demand(site_room=0))
    await promises.accept(spool, 10)
    await claim(spool, latest=NOW + 100, demand=Demand(recalled=("b.example", "a.example")))


async def quarantine(spool: Spool, promises: Promises) -> None:
    first = (await claim(spool)).claims[0]
    promises.may_be_gone.add(first.mid.number)
    await spool.record([Quarantined(key=each.key, reason="a test") for each in first.deliveries])
    await promises.accept(spool, 10)
    promises.quarantined.add(first.mid.number)


def only(number: int) -> Selector:
    return Selector(ids=frozenset({mid(number)}))


async def hold_and_release(spool: Spool, promises: Promises) -> None:
    promises.may_be_gone |= {1, 2}
    for number in (1, 2):
        await spool.apply(Hold("a test"), only(number), now=NOW)
        promises.held.add(number)
    promises.held.remove(2)
    await spool.apply(Release(), only(2), now=NOW)
    promises.may_be_gone.remove(2)


async def delete_and_bring_back(spool: Spool, promises: Promises) -> None:
    promises.may_be_gone |= {1, 2, 3}
    for number in (1, 2, 3):
        await spool.apply(Delete(), only(number), now=NOW)
        promises.finished.add(number)
    promises.finished.remove(3)
    await spool.apply(Undelete(), only(3), now=NOW)
    promises.may_be_gone.remove(3)


async def fail_and_purge(spool: Spool, promises: Promises) -> None:
    claims = (await claim(spool)).claims
    promises.may_be_gone |= {one.mid.number for one in claims}
    for one in claims:
        await spool.record([Finished(key=each.key, status=Status.FAILED, at=NOW) for each in one.deliveries])
    await promises.accept(spool, 10)
    promises.finished |= {one.mid.number for one in claims}
    await spool.purge(now=NOW + 10, retention=Retention(failed_s=10, trash_s=10))


async def offer_again(spool: Spool, promises: Promises) -> None:
    for number in (10, 11, 12):
        await promises.accept_once(spool, number)
        await promises.accept_once(spool, 10)


async def keep_rules(spool: Spool, promises: Promises) -> None:
    for name in ("one", "two"):
        promises.rules[name] = None
        await spool.put_rule(StoredRule(id=name, kind="suspension", body=b"body"))
        promises.rules[name] = True
    promises.rules["one"] = None
    await spool.remove_rule("one")
    promises.rules["one"] = False


async def choose_and_finish(spool: Spool, promises: Promises) -> None:
    promises.may_be_gone |= {1, 2}
    await spool.apply(Hold("a test"), only(2), now=NOW)
    for number in (1, 2):
        for one in (await spool.claim_chosen(only(number), now=NOW, until=NOW + 60, room=10)).claims:
            await spool.record([Finished(key=each.key) for each in one.deliveries])
    await promises.accept(spool, 10)
    promises.finished |= {1, 2}


async def release_from_quarantine(spool: Spool, promises: Promises) -> None:
    await quarantine(spool, promises)
    promises.quarantined.clear()
    await spool.release(str(mid(1)))
    promises.may_be_gone.clear()


async def back_up(spool: Spool, promises: Promises) -> None:
    """A backup, while a message comes and one goes."""
    promises.may_be_gone.add(1)
    (one,) = (await claim(spool, room=2)).claims
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(spool.backup, COPY, now=NOW))
        await promises.accept(spool, 10)
        await spool.record([Finished(key=each.key) for each in one.deliveries])


Course = Callable[[Spool, Promises], Awaitable[None]]
COURSES = [
    accept_some,
    accept_together,
    accept_large,
    claim_and_postpone,
    claim_and_finish,
    finish_one_of_two,
    finish_with_reports,
    set_aside_and_recall,
    quarantine,
    hold_and_release,
    delete_and_bring_back,
    fail_and_purge,
    offer_again,
    keep_rules,
    choose_and_finish,
    release_from_quarantine,
    back_up,
]


async def lives(machine: Machine, course: Course, trouble: Trouble | None = None, at: int = 0) -> Promises:
    """Have some messages accepted, then trouble on the way; what was promised until then.

    Without trouble the course is at the end of the disk's history, and taken down by a disk that does that.
    """
    files = machine.simulation.files

    def begin(promises: Promises) -> None:
        files.history.clear()
        if isinstance(files, RecordedFiles):
            files.begin(lambda: promises)
        if trouble is not None:
            files.plan(trouble, at=at)

    return await goes_on(machine.place, course, begin)


async def goes_on(place: Place, course: Course, begin: Callable[[Promises], None]) -> Promises:
    """Have some messages accepted, begin with the trouble, and go on until it ends; what was promised by then."""
    promises = Promises()
    with suppress(BaseExceptionGroup, SpoolError):
        async with place.open() as spool:
            for number in (1, 2):
                await promises.accept(spool, number)
            await promises.accept_large(spool, 3)
            begin(promises)
            await course(spool, promises)
    return promises


async def check(machine: Machine, promises: Promises) -> None:
    """Open the spool anew and hold it, and its backup, to the promises."""
    await check_copy(machine)
    await check_place(machine.place, promises)


async def check_place(place: Place, promises: Promises) -> None:
    """Open a spool anew and hold it to the promises."""
    async with place.open() as spool:
        claims = (await claim(spool, now=NOW + 3600)).claims
        there = [one.mid.number for one in claims]
        assert len(there) == len(set(there))
        assert promises.accepted - promises.may_be_gone <= set(there) <= promises.offered
        assert not promises.finished & set(there)
        assert all((first in there) is not (second in there) for first, second in promises.either)
        held = (await spool.find(Selector(statuses=frozenset({Status.HELD})), now=NOW)).rows
        assert promises.held <= {row.mid.number for row in held}
        assert not {row.mid.number for row in held} & set(there)
        listed = {damage.mid for damage in await spool.quarantine()}
        assert {str(mid(number)) for number in promises.quarantined} <= listed
        assert not listed & {str(one.mid) for one in claims}
        for one in claims:
            domains = [each.domain for each in one.deliveries]
            assert promises.domains_are_right(one.mid.number, domains)
            await check_content(spool, one)
        rules = {rule.id for rule in await spool.rules()}
        assert all(is_there in (None, name in rules) for name, is_there in promises.rules.items())
        for number in promises.once:
            earlier = await spool.accept(evolve(with_fingerprint(number), mid=mid(number + 1000)))
            assert earlier == (mid(number) if number in there else None)


async def check_content(spool: Spool, one: Claim) -> None:
    """A message is octet for octet what was accepted."""
    number = one.mid.number
    assert one.envelope == b"envelope of %d" % number
    assert await content(spool, one.body) in (b"body of %d" % number, LARGE)


async def check_copy(machine: Machine) -> None:
    """A backup that says that it is complete is: what was there all the time is in it, and nothing by half."""
    try:
        machine.simulation.files.size_bytes(str(COPY / MANIFEST))
    except FileNotFoundError:
        return
    place = Machine.on(machine.simulation, machine.backend, COPY, COPY / QUEUE).place
    async with place.open() as spool:
        claims = (await claim(spool, now=NOW + 3600)).claims
        assert {2, 3} <= {one.mid.number for one in claims} <= {1, 2, 3, 10}
        for one in claims:
            assert [each.domain for each in one.deliveries] == ["a.example", "b.example"]
            await check_content(spool, one)


def calls_of(course: Course, backend: str) -> int:
    """How many calls a course makes when nothing happens, closing included."""
    machine = Machine.make(backend=backend)
    with machine.vfs:
        trio.run(lives, machine, course)
    return len(machine.simulation.files.history)


def moments_of(course: Course, backend: str) -> list[Moment]:
    """Each moment of a course at which the power may have failed, closing included, with what was promised by then."""
    files = RecordedFiles()
    machine = reborn(files, backend)
    with machine.vfs:
        trio.run(lives, machine, course)
    return files.end()


def reborn(files: SimulatedFiles, backend: str) -> Machine:
    """A machine with this disk, after its power came back."""
    simulation = SimulatedWorld(1)
    simulation.files = files
    disk = DurableDisk(files, simulation.offload, simulation.entropy)
    simulation.world = evolve(simulation.world, disk=disk)
    return Machine.on(simulation, backend)
