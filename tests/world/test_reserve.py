"""Room that is set aside: when it is made, when it is given up, and that neither can do harm."""

import errno
import logging
from pathlib import PurePosixPath

import pytest
from attrs import field, frozen

from empath.sim.disk import SimulatedFiles, Trouble
from empath.world.reserve import Reserve

PATH = PurePosixPath("/queue/reserve")
SIZE_BYTES = (5 << 20) // 2


@frozen
class Place:
    """A disk with a directory for it."""

    files: SimulatedFiles = field(factory=SimulatedFiles)

    def reserve(self) -> Reserve:
        return Reserve(self.files, PATH, SIZE_BYTES)

    @property
    def size_bytes(self) -> int | None:
        return self.files.size_bytes(str(PATH)) if PATH.name in self.files.names(str(PATH.parent)) else None


@pytest.fixture
def place() -> Place:
    made = Place()
    made.files.make_directory("/queue")
    made.files.capacity_bytes = 2 * SIZE_BYTES
    return made


def test_it_is_set_aside_where_there_is_room_for_it_twice(place: Place) -> None:
    assert place.reserve().is_kept()
    assert place.size_bytes == SIZE_BYTES


def test_with_less_room_it_is_not_and_nothing_is_left(place: Place) -> None:
    place.files.capacity_bytes -= 1
    assert not place.reserve().is_kept()
    assert place.size_bytes is None


def test_what_an_earlier_process_has_set_aside_is_kept_on_a_disk_that_is_full(place: Place) -> None:
    assert place.reserve().is_kept()
    place.files.capacity_bytes = SIZE_BYTES
    assert place.reserve().is_kept()


def test_it_is_given_up_once_and_said_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    reserve = place.reserve()
    assert reserve.is_kept()
    assert [reserve.give_up(), reserve.give_up()] == [True, False]
    assert place.size_bytes is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "the disk of /queue is full" in caplog.text


def test_what_an_earlier_process_has_set_aside_can_be_given_up_unseen(place: Place) -> None:
    place.reserve().is_kept()
    assert place.reserve().give_up()
    assert place.size_bytes is None


def test_it_is_set_aside_again_when_there_is_room(place: Place) -> None:
    reserve = place.reserve()
    reserve.is_kept()
    place.files.capacity_bytes = SIZE_BYTES
    reserve.give_up()
    assert not reserve.is_kept()
    place.files.capacity_bytes = 2 * SIZE_BYTES
    assert reserve.is_kept()


@pytest.mark.parametrize("trouble", [Trouble.IO_ERROR, Trouble.NO_SPACE, Trouble.SHORT_WRITE], ids=lambda one: one.name)
def test_no_failing_call_makes_half_of_it_pass_for_all(place: Place, trouble: Trouble) -> None:
    for at in range(1, 10):
        place.files.plan(trouble, at=at)
        reserve = place.reserve()
        assert not reserve.is_kept() or place.size_bytes == SIZE_BYTES
        assert reserve.is_kept()  # the next time
        assert place.size_bytes == SIZE_BYTES
        reserve.give_up()


def test_where_a_quota_is_used_up_it_is_tried_less_and_less_often(place: Place) -> None:
    place.files.full, place.files.capacity_bytes = errno.EDQUOT, SIZE_BYTES // 2
    reserve = place.reserve()
    for _ in range(200):
        assert not reserve.is_kept()
        assert place.size_bytes is None
    assert [call for call, _ in place.files.history].count("create") == 9
    place.files.capacity_bytes = SIZE_BYTES
    assert sum(not reserve.is_kept() for _ in range(200)) < 64
    assert place.size_bytes == SIZE_BYTES


def test_what_was_given_up_is_not_taken_at_once_where_the_figures_of_the_disk_know_of_no_quota(place: Place) -> None:
    place.files.full = errno.EDQUOT
    reserve = place.reserve()
    assert reserve.is_kept()
    assert reserve.give_up()
    assert sum(not reserve.is_kept() for _ in range(200)) == 64
