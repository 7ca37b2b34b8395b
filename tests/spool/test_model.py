"""Two stores, the same operations: SQLite does what the plainest store does, whatever comes in which batches."""

from collections.abc import Callable
from functools import partial

import hypothesis.strategies as st
import outcome
from attrs import field, frozen
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import ANYTHING, BodyFile, Claimed, DeliveryKey, Demand, Fate, Finished, Quarantined, Waiting
from empath.spool.memory import MemoryStore
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from tests.contracts.spools import message

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

    def put(self, store: Store) -> None:
        body = BodyFile(name=f"body-{self.number}", size_bytes=9) if self.is_large else b"small"
        domains = [f"{ordinal}.example" for ordinal in range(self.count)]
        store.accept(message(self.number, *domains, body=body, next_attempt=self.next_attempt))


@frozen
class Verdict:
    """A fate, of a delivery that may have been claimed or not, or not be there at all."""

    place: Place
    next_attempt: float | None
    is_damaged: bool

    def fate(self, key: DeliveryKey) -> Fate:
        if self.is_damaged:
            return Quarantined(key=key, reason=f"damaged at {self.next_attempt}")
        if self.next_attempt is None:
            return Finished(key=key)
        return Waiting(key=key, next_attempt=self.next_attempt, attempts=int(self.next_attempt), last=b"because")


sites = st.sampled_from([f"{ordinal}.example" for ordinal in range(3)])
demands = st.builds(
    Demand,
    size_bytes=st.integers(1, 100),
    site_room=st.integers(1, 4),
    rooms=st.dictionaries(sites, st.integers(0, 2)),
    recalled=st.lists(sites, unique=True).map(tuple),
    expires=st.sampled_from([lambda envelope: 0.0, lambda envelope: 15.0 + len(envelope)]),
)
offers = st.builds(Offer, st.integers(0, 6), st.integers(1, 3), moments, st.booleans())
verdicts = st.builds(Verdict, places, st.none() | moments, st.sampled_from([False, False, False, True]))


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
            for one in claimed.claims:
                for each in one.deliveries:
                    self.keys[one.mid.number, each.key.ordinal] = each.key
                    seen.append(
                        f"{one.mid} {one.body!r} {each.key.ordinal} {each.domain} {each.attempts} {each.last!r}"
                    )

        return [*self.commit(take), *seen]

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

    @invariant()
    def both_hold_the_same(self) -> None:
        self.same(lambda side: side.store.statistics())
        self.same(lambda side: side.store.body_files())
        self.same(lambda side: side.store.sites_aside())
        self.same(lambda side: side.store.quarantine())

    def teardown(self) -> None:
        for side in self.sides:
            side.store.close()
        self.vfs.close()


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=40, stateful_step_count=25)
