"""Lines of what waits for a limit of its own."""

from math import inf

from empath.policy.scheduling import Delayed


def test_nothing_waits_in_a_new_one() -> None:
    delayed: Delayed[int, str] = Delayed()
    assert (len(delayed), delayed.moment, delayed.take(inf)) == (0, inf, None)
    assert delayed.line_of(["a"]) is None


def test_a_line_is_taken_out_when_its_moment_has_come_and_not_before() -> None:
    delayed: Delayed[int, str] = Delayed()
    delayed.begin("a", [1], 10, "for a")
    delayed.begin("b", [2], 5, "for b")
    delayed.join("a", 3)
    assert (len(delayed), delayed.moment, delayed.line_of(["c", "a"])) == (3, 5, "a")
    assert delayed.take(4.9) is None
    taken = delayed.take(10)
    assert taken is not None
    assert (taken[0], list(taken[1])) == ("b", [2])
    taken = delayed.take(10)
    assert taken is not None
    assert (taken[0], list(taken[1])) == ("a", [1, 3])
    assert (len(delayed), delayed.moment) == (0, inf)


def test_everything_can_be_taken_out_at_once() -> None:
    delayed: Delayed[int, str] = Delayed()
    delayed.begin("a", [1, 2], 10, "for a")
    delayed.begin("b", [3], 5, "for b")
    assert delayed.empty() == [1, 2, 3]
    assert (len(delayed), delayed.moment) == (0, inf)


def test_a_line_keeps_why_it_waits_until_it_is_looked_at() -> None:
    delayed: Delayed[int, str] = Delayed()
    delayed.begin("a", [1, 2], 10, "for a")
    delayed.begin("b", [3], 5, None)
    assert [delayed.why([number].__contains__) for number in (1, 2, 3)] == ["for a", "for a", None]
    delayed.hurry()
    assert (delayed.moment, delayed.why(lambda item: item == 1)) == (-inf, None)
    assert [taken[0] for _ in "ab" if (taken := delayed.take(0))] == ["a", "b"]


def test_a_line_of_which_all_were_taken_out_is_gone_and_can_begin_again() -> None:
    delayed: Delayed[int, str] = Delayed()
    delayed.begin("a", [1], 5, "for a")
    delayed.begin("b", [2], 9, "for b")
    assert delayed.remove(lambda item: item == 1) == [1]
    assert (delayed.line_of(["a"]), delayed.moment) == (None, 9)
    delayed.begin("a", [3], 6, "for a again")
    taken = delayed.take(10)
    assert taken is not None
    assert (taken[0], list(taken[1])) == ("a", [3])
    taken = delayed.take(10)
    assert taken is not None
    assert (taken[0], list(taken[1])) == ("b", [2])
    assert delayed.take(10) is None
