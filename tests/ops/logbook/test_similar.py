"""Lines that say the same are written a few times, and counted beyond that."""

from hypothesis import given
from hypothesis import strategies as st

from empath.ops.logbook.similar import Similar

FULL = ("deferred", "example.org", "mailbox full")
OTHER = ("deferred", "example.org", "greylisted")


def test_so_many_of_a_kind_are_written_in_a_minute() -> None:
    similar = Similar(most=2, max_kinds=10)
    assert [similar.lets_through(FULL, moment) for moment in (0, 1, 2, 59)] == [True, True, False, False]
    assert similar.lets_through(OTHER, 2)


def test_what_was_left_out_is_told_once_when_the_minute_is_over() -> None:
    similar = Similar(most=1, max_kinds=10)
    for _ in range(4):
        similar.lets_through(FULL, 0)
    assert similar.over(59) == []
    assert similar.over(60) == [(FULL, 3)]
    assert similar.over(61) == []
    assert similar.lets_through(FULL, 61)


def test_a_minute_without_anything_left_out_begins_anew() -> None:
    similar = Similar(most=1, max_kinds=10)
    assert similar.lets_through(FULL, 0)
    assert similar.lets_through(FULL, 60)


def test_a_clock_that_is_set_back_silences_nothing_for_long() -> None:
    similar = Similar(most=1, max_kinds=10)
    assert similar.lets_through(FULL, 10_000)
    assert similar.lets_through(FULL, 0)


def test_no_more_kinds_are_remembered_than_there_is_room_for() -> None:
    similar = Similar(most=1, max_kinds=2)
    for text in "abc":
        similar.lets_through((text,), 0)
        similar.lets_through((text,), 0)
    assert similar.over(60) == [(("b",), 1), (("c",), 1)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 30)), max_size=200))
def test_each_line_is_either_written_or_counted(arrivals: list[tuple[str, float]]) -> None:
    similar, now, written, told = Similar(most=2, max_kinds=10), 0.0, 0, 0
    for text, pause_s in arrivals:
        now += pause_s
        told += sum(count for _, count in similar.over(now))
        written += similar.lets_through((text,), now)
    told += sum(count for _, count in similar.over(now, all_of_them=True))
    assert written + told == len(arrivals)
    assert similar.left_out == 0
