"""Losing power while a spool is moved or brought back: nothing is lost, doubled or there by half, wherever that is cut
off; no daemon takes a part for the whole, and the same command once more ends what was begun.

On the simulated disk, at every moment at which it is another one than before; ``POWER_OUTCOMES`` is that of
``test_power``, and with few of them CI goes through some of the moments, always the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, Final

import pytest
from attrs import define, field

from empath.mail.ids import DeliveryId
from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.spool.belonging import BODIES, CONVERTING
from empath.spool.conversion import Conversion, Side
from empath.spool.files import open_files
from empath.spool.restoring import Restoration
from empath.spool.snapshots import QUEUE
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from tests.contracts.spools import NOW, SPOOL, mid
from tests.spool.contents import fill, picture
from tests.spool.recorder import Outcomes, RecordedFiles
from tests.spool.test_power import BACKENDS, OUTCOMES

STEP: Final = 11 if OUTCOMES < 10 else 1
SECOND_STEP: Final = 5 * STEP
"""Between the moments at which a repetition is cut off as well."""
BODY: Final = bytes(20_000)
BACKUP: Final = PurePosixPath("/backup")
PAIRS = [(one, other) for one in BACKENDS for other in BACKENDS if one != other]
ENDED: Final = frozenset({str(DeliveryId(mid(1), 1))})
"""What the audit log knows to have ended since the backup."""


@define(eq=False)
class Computer:
    """A machine with a disk, on which commands are called one at a time. Each queue has a directory of its own."""

    files: SimulatedFiles
    _vfs: SimulatedVfs = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._vfs = SimulatedVfs(self.files)

    @classmethod
    @contextmanager
    def with_disk(cls, files: SimulatedFiles) -> Iterator["Computer"]:
        made = cls(files)
        with made._vfs:
            yield made

    def make(self, *paths: PurePosixPath) -> None:
        for path in paths:
            self.files.make_directory(str(path))
            self.files.sync_directory(str(path.parent))

    def open(self, backend: str, path: PurePosixPath = SPOOL, name: str | None = None) -> Side:
        queue = path / (name or backend)
        store: Store = (
            open_database(f"{queue}/queue.sqlite3", self._vfs.name)
            if backend == "sqlite"
            else open_files(str(queue), self.files)
        )
        return Side(name=backend, store=store, calls=self.files, path=path)

    def is_there(self, path: PurePosixPath) -> bool:
        try:
            self.files.size_bytes(str(path))
        except FileNotFoundError:
            return False
        return True

    @property
    def is_marked(self) -> bool:
        """Whether no daemon would start."""
        return self.is_there(SPOOL / CONVERTING)


Procedure = Callable[[Computer], None]
"""What a command does, called once more included."""
Check = Callable[[Computer], None]
"""Looks whether nothing is lost, doubled or there by half, and no part of it would be taken for the whole."""


def enumerated(name: str, before: SimulatedFiles, procedure: Procedure, check: Check, complete: Check) -> None:
    """Cut a procedure off at every moment, look, and repeat it to its end; cut some of the repetitions off too."""
    points = disks = 0
    for number, moment in enumerate(moments_of(before, procedure)[::STEP]):
        for disk in Outcomes(moment, OUTCOMES):
            disks += 1
            examine(disk, procedure, check, complete)
            if number % SECOND_STEP:
                continue
            for second in moments_of(disk, procedure)[:: STEP + number]:
                disks += 1
                *_, again = Outcomes(second, 3)
                examine(again, procedure, check, complete)
        points += 1
    print(f"{name}: {points} crash points, {disks} disks")


def moments_of(before: SimulatedFiles, procedure: Procedure) -> list[SimulatedFiles]:
    """The disk at each moment of a procedure."""
    files = before.copied()
    assert isinstance(files, RecordedFiles)
    with Computer.with_disk(files) as computer:
        files.begin(lambda: None)
        procedure(computer)
    return [moment.disk for moment in files.end()]


def examine(disk: SimulatedFiles, procedure: Procedure, check: Check, complete: Check) -> None:
    with Computer.with_disk(disk.copied()) as computer:
        check(computer)
    with Computer.with_disk(disk.copied()) as computer:
        procedure(computer)
        assert not computer.is_marked
        complete(computer)


def both(computer: Computer, source: str, target: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = []
    for backend in (source, target):
        side = computer.open(backend)
        found.append(picture(side))
        side.store.close()
    return found[0], found[1]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_conversion_that_is_cut_off_anywhere_goes_on(source: str, target: str) -> None:
    before = RecordedFiles()
    with Computer.with_disk(before) as computer:
        computer.make(SPOOL, SPOOL / BODIES, *(SPOOL / backend for backend in BACKENDS))
        there = computer.open(source)
        fill(there, BODY)
        expected = picture(there)
        there.store.close()

    def convert(computer: Computer) -> None:
        there, here = computer.open(source), computer.open(target)
        Conversion(source=there, target=here, now=NOW, tell=lambda moved: None).run("token")
        here.store.close()
        there.store.close()

    def check(computer: Computer) -> None:
        is_marked = computer.is_marked
        pictures = both(computer, source, target)
        assert is_marked or expected in pictures
        for name, message in expected["messages"].items():
            found = [one for one in pictures if name in one["messages"]]
            assert found
            rows = [row for row in expected["rows"] if str(row.mid) == name]
            for one in found:
                assert one["messages"][name] == message
                assert [row for row in one["rows"] if str(row.mid) == name] == rows
            assert is_marked or len(found) == 1

    def complete(computer: Computer) -> None:
        left, there = both(computer, source, target)
        assert there == expected
        assert left["rows"] == left["rules"] == []

    enumerated(f"convert, {source} to {target}", before, convert, check, complete)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_restoration_that_is_cut_off_anywhere_begins_anew(backend: str) -> None:
    before = RecordedFiles()
    with Computer.with_disk(before) as computer:
        computer.make(BACKUP, BACKUP / QUEUE, BACKUP / BODIES, SPOOL, SPOOL / BODIES, SPOOL / QUEUE)
        backup = computer.open(backend, BACKUP, QUEUE)
        fill(backup, BODY)
        backup.store.close()
        before.sync(before.create("/backup/queue.id"))
        before.sync_directory("/backup")
        computer.open(backend, SPOOL, QUEUE).store.close()

    def restore(computer: Computer) -> None:
        restoration = Restoration(calls=computer.files, source=BACKUP, spool=SPOOL, queue=SPOOL / QUEUE)
        if not restoration.is_begun() and messages_of(computer):
            return  # it was complete, so the command would refuse to begin
        restoration.bring()
        store = computer.open(backend, SPOOL, QUEUE).store
        restoration.settle(store, ENDED, NOW)
        store.close()
        restoration.end()

    def messages_of(computer: Computer) -> int:
        side = computer.open(backend, SPOOL, QUEUE)
        count = side.do(lambda store: store.statistics()).messages
        side.store.close()
        return count

    def picture_of(computer: Computer) -> dict[str, Any]:
        side = computer.open(backend, SPOOL, QUEUE)
        found = picture(side)
        side.store.close()
        return found

    with Computer.with_disk(before.copied()) as computer:
        nothing = picture_of(computer)
        restore(computer)
        expected = picture_of(computer)
        assert [row.note for row in expected["rows"]].count("restored") == 4

    def check(computer: Computer) -> None:
        assert computer.is_marked or picture_of(computer) in (nothing, expected)

    def complete(computer: Computer) -> None:
        assert picture_of(computer) == expected

    enumerated(f"restore, {backend}", before, restore, check, complete)


def test_a_conversion_that_has_ended_has_ended_whatever_the_disk_forgets() -> None:
    """Configuration names the other backend by then, and the same command would be refused."""
    files = SimulatedFiles()
    with Computer.with_disk(files) as computer:
        computer.make(SPOOL, SPOOL / BODIES, *(SPOOL / backend for backend in BACKENDS))
        there, here = computer.open("sqlite"), computer.open("files")
        fill(there, BODY)
        Conversion(source=there, target=here, now=NOW, tell=lambda moved: None).run("token")
        for side in (there, here):
            side.store.close()
        files.crash()
        assert not computer.is_marked
