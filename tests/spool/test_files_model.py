"""Files do what the plainest store does, whatever comes in which batches; and say so when they are read again."""

from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import invariant, rule
from typing_extensions import override

from empath.mail.ids import DeliveryId
from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import Row
from empath.spool.files import open_files
from empath.spool.memory import MemoryStore
from tests.spool.test_model import Side, TwoStores, rows_of


class MemoryAndFiles(TwoStores):
    """The same to both."""

    @override
    def __init__(self) -> None:
        super(TwoStores, self).__init__()
        self.files = SimulatedFiles()
        self.files.make_directory("/queue")
        self.files.sync_directory("/")
        self.vfs, self.vfs_of_next = SimulatedVfs(self.files), None
        self.sides = (Side(MemoryStore()), Side(open_files("/queue", self.files)))

    @rule()
    @override
    def tend(self) -> None:
        """What it is for differs: that it changes nothing is what the invariants see."""
        for side in self.sides:
            side.commit(lambda store: store.tend())

    @invariant()
    def files_that_are_read_again_say_the_same(self) -> None:
        side, again = self.sides[1], Side(open_files("/queue", self.files.copied()))
        found = rows_of(again)
        assert list(found.values()) == [self.as_opened(row, found) for row in rows_of(side).values()]
        assert again.store.body_files() == side.store.body_files()
        again.store.close()

    @override
    def reopened(self) -> Side:
        files = self.files.copied()
        files.crash()
        return Side(open_files("/queue", files))

    @override
    def as_opened(self, row: Row, found: dict[DeliveryId, Row]) -> Row:
        """What was set aside is due as before."""
        row = super().as_opened(row, found)
        return row if row.aside is None else evolve(row, aside=None, next_attempt=found[row.id].next_attempt)


TestMemoryAndFiles = MemoryAndFiles.TestCase
TestMemoryAndFiles.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
