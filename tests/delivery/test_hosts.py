"""Places at hosts, by name and by address."""

from empath.delivery.lanes.hosts import Hosts, Place
from empath.policy.route import Target

ONE = Target("mx.example", "192.0.2.1", 25)
SAME_NAME = Target("mx.example", "192.0.2.2", 25)
SAME_ADDRESS = Target("alias.example", "192.0.2.1", 25)
OTHER = Target("other.example", "192.0.2.3", 25)
LITERAL = Target("192.0.2.9", "192.0.2.9", 25)


def taken(hosts: Hosts, target: Target, limit: int = 1) -> Place:
    place = hosts.take(target, limit)
    assert place is not None
    return place


def test_a_host_counts_by_its_name_and_by_its_address() -> None:
    hosts = Hosts()
    taken(hosts, ONE)
    assert hosts.take(SAME_NAME, 1) is None
    assert hosts.take(SAME_ADDRESS, 1) is None
    assert hosts.take(SAME_NAME, 2) is not None
    assert hosts.take(OTHER, 1) is not None
    assert hosts.take(LITERAL, 1) is not None


def test_what_is_given_back_can_be_taken_and_nothing_is_remembered() -> None:
    hosts = Hosts()
    taken(hosts, ONE).give_back()
    assert len(hosts) == 0
    taken(hosts, SAME_NAME)


def test_of_those_who_wait_the_first_who_makes_use_of_a_place_is_told() -> None:
    hosts, told = Hosts(), list[str]()

    def tell(name: str, *, uses: bool) -> bool:
        told.append(name)
        return uses

    place = taken(hosts, ONE)
    hosts.wait((ONE, OTHER), lambda: tell("gone", uses=False))
    hosts.wait((SAME_NAME,), lambda: tell("first", uses=True))
    hosts.wait((SAME_NAME,), lambda: tell("second", uses=True))
    place.give_back()
    assert told == ["gone", "first"]
    taken(hosts, SAME_NAME).give_back()
    assert told == ["gone", "first", "second"]
    assert len(hosts) == 0


def test_who_is_idle_gives_way_to_who_waits_and_nobody_is_asked_twice() -> None:
    hosts, closed = Hosts(), list[str]()
    idle, busy = taken(hosts, ONE, 2), taken(hosts, ONE, 2)
    idle.idle(lambda: closed.append("idle"))
    busy.idle(lambda: closed.append("busy"))
    busy.busy()
    hosts.wait((SAME_ADDRESS,), lambda: True)
    hosts.wait((SAME_NAME,), lambda: True)
    assert closed == ["idle", "idle"]  # once for its name and once for its address
    busy.idle(lambda: closed.append("at once"))
    assert closed == ["idle", "idle", "at once"]


def test_who_needs_no_place_any_more_leaves_the_line() -> None:
    hosts, told = Hosts(), list[str]()

    def tell() -> bool:
        told.append("told")
        return True

    place = taken(hosts, ONE)
    hosts.wait((ONE,), tell)
    hosts.forget(tell)
    hosts.forget(tell)
    place.give_back()
    assert (told, len(hosts)) == ([], 0)
