from functools import partial

from empath.delivery import Capacity


def test_there_are_so_many_places_and_no_more() -> None:
    capacity = Capacity(2)
    assert [capacity.take(), capacity.take(), capacity.take()] == [True, True, False]
    capacity.give_back()
    assert capacity.take()


def test_who_waits_longest_is_told_first() -> None:
    capacity, told = Capacity(1), list[str]()
    capacity.take()
    capacity.wait(lambda: told.append("first"))
    capacity.wait(lambda: told.append("second"))
    capacity.give_back()
    assert told == ["first"]


def test_a_place_that_is_not_wanted_goes_to_the_next_in_line() -> None:
    capacity, told = Capacity(1), list[str]()

    def first() -> None:
        told.append("first")

    capacity.take()
    capacity.wait(first)
    capacity.wait(lambda: told.append("second"))
    capacity.give_back()
    capacity.forget(first)  # it has no work any more
    assert told == ["first", "second"]


def test_who_waits_hears_of_places_that_are_new() -> None:
    capacity, told = Capacity(1), list[str]()
    capacity.take()
    for name in ("first", "second", "third"):
        capacity.wait(partial(told.append, name))
    capacity.renew(3, 0)
    assert told == ["first", "second"]
    assert [capacity.take(), capacity.take(), capacity.take()] == [True, True, False]


def test_with_fewer_places_what_is_open_stays_and_nothing_new_is_opened() -> None:
    capacity, told = Capacity(3), list[str]()
    assert [capacity.take() for _ in range(3)] == [True, True, True]
    capacity.wait(lambda: told.append("later"))
    capacity.renew(2, 1)
    capacity.give_back()
    capacity.give_back()
    assert told == []
    assert capacity.take(critical=True)
    assert not capacity.take()


def test_who_has_nothing_to_send_gives_way() -> None:
    capacity, closed = Capacity(1), list[str]()
    capacity.take()
    capacity.idle("a", lambda: closed.append("a"))
    capacity.wait(lambda: None)
    assert closed == ["a"]


def test_one_that_waits_closes_one_connection_however_often_it_asks() -> None:
    capacity, closed = Capacity(2), list[str]()
    for name in ("a", "b"):
        capacity.take()
        capacity.idle(name, lambda name=name: closed.append(name))  # type: ignore[misc]

    def tell() -> None:
        return None

    capacity.wait(tell)
    capacity.wait(tell)
    assert closed == ["a"]


def test_who_becomes_idle_while_others_wait_closes_at_once() -> None:
    capacity, closed = Capacity(1), list[str]()
    capacity.take()
    capacity.wait(lambda: None)
    capacity.idle("a", lambda: closed.append("a"))
    assert closed == ["a"]


def test_who_is_busy_again_is_left_alone() -> None:
    capacity, closed = Capacity(1), list[str]()
    capacity.take()
    capacity.idle("a", lambda: closed.append("a"))
    capacity.busy("a")
    capacity.wait(lambda: None)
    assert closed == []
