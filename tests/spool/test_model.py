"""Two stores, the same operations: SQLite does what the plainest store does, whatever comes in which batches."""

from collections.abc import Callable
from functools import partial

import hypothesis.strategies as st
import outcome
from attrs import evolve, field, frozen
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from empath.mail.delivery import FINAL, WAITING, Status
from empath.mail.ids import DeliveryId
from empath.mail.waiting import WaitReason
from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import (
    ANYTHING,
    EVERYTHING,
    Action,
    BodyFile,
    Claimed,
    Delete,
    DeliveryKey,
    Demand,
    Fail,
    Fate,
    Fingerprint,
    Finished,
    Hold,
    Quarantined,
    Release,
    Retention,
    RetryNow,
    Row,
    Selector,
    StoredRule,
    Undelete,
    Waiting,
)
from empath.spool.memory import MemoryStore
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from tests.contracts.spools import message, mid

Place = tuple[int, int]
"""A delivery by the number in the name of its message and its ordinal: each store has keys of its own."""

moments = st.integers(0, 20).map(float)
places = st.tuples(st.integers(0, 6), st.integers(0, 2))


@frozen
class Offer:
    """A message to accept."""

    number: int
    count: int
    next_attempt: float
    is_large: bool
    priority: int = 0
    digest: bytes = b""
    claimed_until: float | None = None

    def put(self, store: Store) -> str:
        body = BodyFile(name=f"body-{self.number}", size_bytes=9) if self.is_large else b"small"
        domains = [f"{ordinal}.example" for ordinal in range(self.count)]
        made = evolve(
            message(self.number, *domains, body=body, next_attempt=self.next_attempt),
            priority=self.priority,
            sender=f"s{self.number % 2}@client.example",
            recipients=tuple(f"r{self.number % 3}@{domain}" for domain in domains),
            fingerprint=Fingerprint(self.digest, 0.0) if self.digest else None,
        )
        answer = store.accept(made, self.claimed_until)
        return "kept" if isinstance(answer, int) else f"a repetition of {answer}"


@frozen
class Verdict:
    """A fate, of a delivery that may have been claimed or not, or not be there at all."""

    place: Place
    next_attempt: float | None
    is_damaged: bool
    status: Status

    def fate(self, key: DeliveryKey) -> Fate:
        if self.is_damaged:
            return Quarantined(key=key, reason=f"damaged at {self.next_attempt}")
        if self.next_attempt is None:
            ended = self.status if self.status in FINAL else Status.COMPLETED
            return Finished(key=key, status=ended, at=10.0, attempts=4, last=b"over")
        waiting = self.status if self.status in WAITING else Status.RETRY
        attempts = int(self.next_attempt)
        return Waiting(key=key, next_attempt=self.next_attempt, attempts=attempts, last=b"because", status=waiting)


sites = st.sampled_from([f"{ordinal}.example" for ordinal in range(3)])
demands = st.builds(
    Demand,
    size_bytes=st.integers(1, 100),
    site_room=st.integers(1, 4),
    rooms=st.dictionaries(sites, st.integers(0, 2)),
    recalled=st.lists(sites, unique=True).map(tuple),
    head_start_s=st.sampled_from([0.0, 3.0]),
    moments=st.sampled_from([lambda envelope: lambda one: 0.0, lambda envelope: lambda one: 15.0 + len(envelope)]),
)
offers = st.builds(
    Offer,
    st.integers(0, 6),
    st.integers(1, 3),
    moments,
    st.booleans(),
    st.sampled_from([0, 0, 0, -1, 2]),
    st.sampled_from([b"", b"", b"a", b"b"]),
    st.sampled_from([None, None, 12.0]),
)
verdicts = st.builds(
    Verdict, places, st.none() | moments, st.sampled_from([False, False, False, True]), st.sampled_from(Status)
)
actions: st.SearchStrategy[Action] = st.sampled_from(
    [Hold("x"), Release(), RetryNow(), Fail("y"), Delete("z"), Undelete()]
)
selectors = st.builds(
    Selector,
    ids=st.frozensets(st.builds(mid, st.integers(0, 6)), max_size=2),
    statuses=st.frozensets(st.sampled_from(Status), max_size=2),
    domains=st.frozensets(sites, max_size=2),
    sender=st.none() | st.just("S1@client.example"),
    recipient=st.none() | st.just("R1@0.example"),
    priorities=st.frozensets(st.sampled_from([0, -1, 2]), max_size=2),
    reasons=st.frozensets(st.sampled_from(WaitReason), max_size=2),
    in_trash=st.booleans(),
)


@frozen
class Side:
    """One of the two stores, and the keys that it has given."""

    store: Store
    keys: dict[Place, DeliveryKey] = field(factory=dict)

    def commit(self, *operations: Callable[[Store], object]) -> list[str]:
        results = self.store.commit(operations, durable=True)
        return [_said(result) for result in results]

    def claim(self, now: float, until: float, latest: float, room: int, demand: Demand) -> list[str]:
        seen: list[str] = []

        def take(store: Store) -> None:
            claimed: Claimed = store.claim(now=now, until=until, latest=latest, room=room, demand=demand)
            seen.append(f"next due {claimed.next_due}, aside {sorted(claimed.aside)}")
            seen.extend(self._seen(claimed))

        return [*self.commit(take), *seen]

    def _seen(self, claimed: Claimed) -> list[str]:
        for one in claimed.claims:
            self.keys.update({(one.mid.number, each.key.ordinal): each.key for each in one.deliveries})
        return [
            f"{one.mid} {one.body!r} {each.key.ordinal} {each.domain} {each.attempts} {each.last!r} {each.status}"
            for one in claimed.claims
            for each in one.deliveries
        ]

    def find(self, selector: Selector, now: float) -> list[Row]:
        looks: list[Row] = []

        def look(store: Store) -> None:
            looks.extend(store.find(selector, now=now, after=None, limit=1000).rows)

        self.commit(look)
        return [evolve(row, key=DeliveryKey(0, row.key.ordinal)) for row in looks]

    def apply(self, action: Action, selector: Selector, now: float) -> None:
        def act(store: Store) -> None:
            rows = store.find(selector, now=now, after=None, limit=1000).rows
            store.apply(action, [row for row in rows if action.is_for(row)], now=now)

        self.commit(act)

    def claim_chosen(self, selector: Selector, now: float) -> list[str]:
        seen: list[str] = []

        def take(store: Store) -> None:
            rows = store.find(selector, now=now, after=None, limit=1000).rows
            free = [row for row in rows if not row.is_deleted and not row.is_damaged]
            seen.extend(
                self._seen(
                    store.claim_rows(
                        [row for row in free if row.status in WAITING or row.status is Status.HELD], until=now + 5
                    )
                )
            )

        return [*self.commit(take), *seen]

    def purge(self, now: float, retention: Retention, limit: int) -> list[str]:
        """All of it, in portions: which comes first is for the backend to say."""
        gone: list[str] = []

        def purge(store: Store) -> bool:
            purged = store.purge(now=now, retention=retention, limit=limit)
            gone.extend(purged.files)
            return purged.is_all

        while self.commit(purge) == ["False"]:
            pass
        return sorted(gone)

    def record(self, verdicts: list[Verdict], reports: list[Offer]) -> list[str]:
        nobody = DeliveryKey(10**9, 0)
        fates = [verdict.fate(self.keys.get(verdict.place, nobody)) for verdict in verdicts]

        def write(store: Store) -> list[str]:
            unneeded = sorted(store.record(fates))
            for report in reports:
                report.put(store)
            return unneeded

        return self.commit(write)


def _said(result: outcome.Outcome[object]) -> str:
    return f"refused: {result.error}" if isinstance(result, outcome.Error) else f"{result.unwrap()}"


class TwoStores(RuleBasedStateMachine):
    """The same to both."""

    def __init__(self) -> None:
        super().__init__()
        files = SimulatedFiles()
        self.vfs = SimulatedVfs(files)
        self.vfs_of_next: SimulatedVfs | None = None
        self.sides = (Side(MemoryStore()), Side(open_database("/queue.sqlite3", self.vfs.name)))

    def same(self, act: Callable[[Side], object]) -> None:
        plain, sqlite = (act(side) for side in self.sides)
        assert plain == sqlite

    @rule(batch=st.lists(offers, min_size=1, max_size=5))
    def accept(self, batch: list[Offer]) -> None:
        self.same(lambda side: side.commit(*[offer.put for offer in batch]))

    @rule(now=moments, until=moments, latest=moments, room=st.integers(0, 8), demand=st.just(ANYTHING) | demands)
    def claim(self, now: float, until: float, latest: float, room: int, demand: Demand) -> None:
        self.same(partial(Side.claim, now=now, until=until, latest=latest, room=room, demand=demand))

    @rule(batch=st.lists(verdicts, max_size=6), reports=st.lists(offers, max_size=2))
    def record(self, batch: list[Verdict], reports: list[Offer]) -> None:
        self.same(partial(Side.record, verdicts=batch, reports=reports))

    @rule(action=actions, selector=selectors, now=moments)
    def apply(self, action: Action, selector: Selector, now: float) -> None:
        self.same(partial(Side.apply, action=action, selector=selector, now=now))

    @rule(selector=selectors, now=moments)
    def claim_chosen(self, selector: Selector, now: float) -> None:
        self.same(partial(Side.claim_chosen, selector=selector, now=now))

    @rule(selector=selectors, now=moments)
    def find(self, selector: Selector, now: float) -> None:
        self.same(partial(Side.find, selector=selector, now=now))

    @rule(now=moments, failed_s=moments, trash_s=moments, limit=st.integers(1, 3))
    def purge(self, now: float, failed_s: float, trash_s: float, limit: int) -> None:
        retention = Retention(failed_s=failed_s, trash_s=trash_s, fingerprints_s=failed_s)
        self.same(partial(Side.purge, now=now, retention=retention, limit=limit))

    @rule(number=st.integers(0, 6))
    def release(self, number: int) -> None:
        self.same(lambda side: side.commit(lambda store: store.release(str(mid(number)))))

    @rule(name=st.sampled_from(["one", "two"]), body=st.binary(max_size=3))
    def put_rule(self, name: str, body: bytes) -> None:
        made = StoredRule(id=name, kind="suspension", body=body)
        self.same(lambda side: side.commit(lambda store: store.put_rule(made)))

    @rule(name=st.sampled_from(["one", "two"]))
    def remove_rule(self, name: str) -> None:
        self.same(lambda side: side.commit(lambda store: store.remove_rule(name)))

    @rule()
    def tend(self) -> None:
        self.same(lambda side: side.commit(*[lambda store: store.tend() is None] * 3))

    @invariant()
    def both_hold_the_same(self) -> None:
        self.same(lambda side: side.find(EVERYTHING, 10.0))
        self.same(lambda side: side.find(Selector(in_trash=True), 10.0))
        self.same(lambda side: side.store.statistics())
        self.same(lambda side: side.store.body_files())
        self.same(lambda side: side.store.sites_aside())
        self.same(lambda side: side.store.quarantine())
        self.same(lambda side: side.store.rules())

    def reopened(self) -> Side:
        """The second store as the next daemon finds it, after a loss of power: all that was done was durable."""
        files = self.vfs.files.copied()
        files.crash()
        self.vfs_of_next = SimulatedVfs(files)
        return Side(open_database("/queue.sqlite3", self.vfs_of_next.name))

    def teardown(self) -> None:
        plain, second = self.sides
        again = self.reopened()
        found = rows_of(again)
        assert list(found.values()) == [self.as_opened(row, found) for row in rows_of(plain).values()]
        assert again.store.body_files() == plain.store.body_files()
        assert again.store.rules() == plain.store.rules()
        assert again.store.quarantine() == plain.store.quarantine()
        for side in (again, plain, second):
            side.store.close()
        for vfs in (self.vfs, self.vfs_of_next):
            if vfs is not None:
                vfs.close()

    def as_opened(self, row: Row, found: dict[DeliveryId, Row]) -> Row:
        """What an opening makes of a row: what was under way may have arrived."""
        is_claimed = row.status is Status.IN_PROGRESS and not row.is_deleted
        return evolve(row, status=Status.UNCERTAIN) if is_claimed else row


def rows_of(side: Side) -> dict[DeliveryId, Row]:
    """All there is."""
    return {row.id: row for selector in (EVERYTHING, Selector(in_trash=True)) for row in side.find(selector, 10.0)}


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=40, stateful_step_count=25)
