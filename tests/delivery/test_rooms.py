import pytest

from empath.delivery import Lane, Rooms, Stock
from empath.policy.breaker import Breaker
from tests.delivery.test_lane import Depot, job

SITE = "example.org"


def rooms_of(lane_room: int) -> Rooms:
    return Rooms(lane_room, Stock(max_deliveries=800, max_bytes=8000))


def lane_with(jobs: int, breaker: Breaker | None = None) -> Lane:
    lane = Depot().lane
    for number in range(jobs):
        lane.backlog.push(job(number))
    lane.breaker = breaker or lane.breaker
    return lane


def tripped() -> Breaker:
    breaker = Breaker(failure_threshold=1, half_open_max_calls=3)
    ticket = breaker.admit(0)
    assert ticket is not None
    breaker.fail(ticket, 0)
    return breaker


def test_a_lane_with_half_its_room_gets_half_and_one_with_less_gets_none() -> None:
    rooms = rooms_of(10)
    rooms.note(lane_with(5))
    assert (rooms.usual, rooms.tight) == (5, {})
    rooms.note(lane_with(6))
    assert rooms.tight == {SITE: 0}
    rooms.note(lane_with(2))
    assert rooms.tight == {}


def test_an_open_breaker_leaves_room_for_its_probes() -> None:
    rooms = rooms_of(10)
    rooms.note(lane_with(1, tripped()))
    assert rooms.tight == {SITE: 2}
    rooms.note(lane_with(5, tripped()))
    assert rooms.tight == {SITE: 0}


def test_probes_do_not_exceed_the_bound_of_a_lane() -> None:
    rooms = rooms_of(2)
    rooms.note(lane_with(1, tripped()))
    assert rooms.tight == {SITE: 1}


def test_a_lane_with_room_for_one_job_gets_it() -> None:
    rooms = rooms_of(1)
    assert rooms.usual == 1
    rooms.note(lane_with(1))
    assert rooms.tight == {SITE: 0}


def test_a_lane_has_no_room_at_its_bound_or_if_its_probes_are_there() -> None:
    rooms = rooms_of(10)
    assert not rooms.has_none(lane_with(9))
    assert rooms.has_none(lane_with(10))
    assert rooms.has_none(lane_with(3, tripped()))


def test_a_site_is_recalled_while_it_has_room_and_something_set_aside() -> None:
    rooms = rooms_of(10)
    rooms.note(lane_with(6))
    rooms.set_aside(frozenset({SITE, "other.example"}))
    assert list(rooms.recallable) == ["other.example"]
    rooms.note(lane_with(5))
    assert list(rooms.recallable) == ["other.example", SITE]
    rooms.set_aside(frozenset(), none_left=frozenset({SITE}))
    assert list(rooms.recallable) == ["other.example"]


def test_a_site_whose_lane_was_forgotten_has_the_usual_room() -> None:
    rooms = rooms_of(10)
    rooms.note(lane_with(6))
    rooms.set_aside(frozenset({SITE}))
    rooms.forget(SITE)
    assert (rooms.tight, list(rooms.recallable)) == ({}, [SITE])


@pytest.mark.parametrize(("deliveries", "size_bytes"), [(101, 0), (1, 1001)])
def test_a_lane_that_takes_more_than_its_share_of_the_stock_gets_no_more(deliveries: int, size_bytes: int) -> None:
    rooms, lane = rooms_of(10), lane_with(1)
    lane.backlog.deliveries, lane.backlog.size_bytes = deliveries, size_bytes
    rooms.note(lane)
    assert rooms.tight == {SITE: 0}


def test_sites_are_recalled_in_turn() -> None:
    rooms = rooms_of(10)
    rooms.set_aside(frozenset({SITE, "last.example", "next.example"}))
    assert set(rooms.recallable) == {SITE, "last.example", "next.example"}
    rooms.note_fed(lane_with(1))
    assert list(rooms.recallable) == ["last.example", "next.example", SITE]
