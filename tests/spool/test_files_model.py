"""Files do what the plainest store does, whatever comes in which batches; and say so when they are read again."""

from copy import deepcopy

from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import invariant, rule
from typing_extensions import override

from empath.mail.delivery import Status
from empath.mail.ids import DeliveryId
from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import EVERYTHING, Row, Selector
from empath.spool.files import open_files
from empath.spool.memory import MemoryStore
from tests.spool.test_model import Side, TwoStores


class MemoryAndFiles(TwoStores):
    """The same to both."""

    @override
    def __init__(self) -> None:
        super(TwoStores, self).__init__()
        self.files = SimulatedFiles()
        self.files.make_directory("/queue")
        self.vfs = SimulatedVfs(self.files)
        self.sides = (Side(MemoryStore()), Side(open_files("/queue", self.files)))

    @rule()
    @override
    def tend(self) -> None:
        """What it is for differs: that it changes nothing is what the invariants see."""
        for side in self.sides:
            side.commit(lambda store: store.tend())

    @invariant()
    def files_that_are_read_again_say_the_same(self) -> None:
        side, again = self.sides[1], Side(open_files("/queue", deepcopy(self.files)))
        found = rows_of(again)
        expected = [as_opened(row, found) for row in rows_of(side).values()]
        assert [evolve(row, aside=None) for row in found.values()] == expected
        assert again.store.body_files() == side.store.body_files()
        again.store.close()


def rows_of(side: Side) -> dict[DeliveryId, Row]:
    """All there is."""
    return {row.id: row for selector in (EVERYTHING, Selector(in_trash=True)) for row in side.find(selector, 10.0)}


def as_opened(row: Row, found: dict[DeliveryId, Row]) -> Row:
    """What an opening makes of a row: what was under way may have arrived, and what was set aside is due as before."""
    if row.status is Status.IN_PROGRESS and not row.is_deleted:
        row = evolve(row, status=Status.UNCERTAIN)
    return row if row.aside is None else evolve(row, aside=None, next_attempt=found[row.id].next_attempt)


TestMemoryAndFiles = MemoryAndFiles.TestCase
TestMemoryAndFiles.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
