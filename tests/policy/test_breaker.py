"""The circuit breaker: every cell of the table, and a model of what it may never do."""

import math
from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from empath.policy import breaker
from empath.policy.breaker import Breaker, BreakerEvent, BreakerState, Ticket, after

CLOSED, OPEN, HALF_OPEN = BreakerState
GOALS = {
    (CLOSED, BreakerEvent.TRIP): OPEN,
    (OPEN, BreakerEvent.ELAPSE): HALF_OPEN,
    (HALF_OPEN, BreakerEvent.TRIP): OPEN,
    (HALF_OPEN, BreakerEvent.PROVE): CLOSED,
}


@pytest.mark.parametrize(("state", "event"), list(product(BreakerState, BreakerEvent)))
def test_every_cell(state: BreakerState, event: BreakerEvent) -> None:
    assert after(state, event) is GOALS.get((state, event))


def test_the_diagram_in_the_docstring_is_the_table() -> None:
    lines = (breaker.__doc__ or "").splitlines()
    assert [line for line in breaker.diagram().splitlines() if f"    {line}" not in lines] == []


def admitted(breaker: Breaker, now: float = 0.0) -> Ticket:
    ticket = breaker.admit(now)
    assert ticket is not None
    return ticket


def tripped(now: float = 0.0) -> Breaker:
    tripped = Breaker()
    for _ in range(5):
        tripped.fail(admitted(tripped), now)
    return tripped


def test_it_opens_with_the_threshold_and_not_before() -> None:
    breaker = Breaker(failure_threshold=3)
    for _ in range(2):
        breaker.fail(admitted(breaker), 1.0)
    assert (breaker.state, breaker.until) == (CLOSED, None)
    breaker.fail(admitted(breaker), 1.0)
    assert (breaker.state, breaker.until) == (OPEN, 61.0)


def test_a_success_starts_the_count_over() -> None:
    breaker = Breaker(failure_threshold=2)
    for _ in range(10):
        breaker.fail(admitted(breaker), 0.0)
        breaker.succeed(admitted(breaker))
    assert breaker.state is CLOSED


def test_open_it_admits_nothing_until_its_time_has_passed() -> None:
    breaker = tripped(now=10.0)
    assert breaker.admit(69.9) is None
    assert breaker.admit(70.0) is not None
    assert breaker.state is HALF_OPEN


def test_half_open_it_admits_so_many_probes_and_no_more() -> None:
    breaker = tripped()
    assert [breaker.admit(60.0) is not None for _ in range(5)] == [True, True, True, False, False]
    assert breaker.admit(1e9) is None


def test_it_closes_when_all_probes_have_succeeded() -> None:
    breaker = tripped()
    tickets = [admitted(breaker, 60.0) for _ in range(3)]
    for ticket in tickets[:2]:
        breaker.succeed(ticket)
    assert breaker.state is HALF_OPEN
    breaker.succeed(tickets[2])
    assert breaker.state is CLOSED


def test_one_failed_probe_opens_it_again_for_the_whole_time() -> None:
    breaker = tripped()
    tickets = [admitted(breaker, 60.0) for _ in range(3)]
    breaker.succeed(tickets[0])
    breaker.fail(tickets[1], 65.0)
    assert (breaker.state, breaker.until) == (OPEN, 125.0)
    breaker.fail(tickets[2], 99.0)
    assert breaker.until == 125.0


def test_a_call_from_before_says_nothing_about_the_probes() -> None:
    breaker = Breaker(failure_threshold=1)
    old, fatal = admitted(breaker), admitted(breaker)
    breaker.fail(fatal, 0.0)
    probe = admitted(breaker, 60.0)
    breaker.fail(old, 61.0)
    breaker.succeed(old)
    breaker.withdraw(old)
    assert breaker.state is HALF_OPEN
    assert [breaker.admit(61.0) is not None for _ in range(3)] == [True, True, False]
    breaker.succeed(probe)


def test_a_probe_that_told_nothing_may_be_made_again() -> None:
    breaker = tripped()
    tickets = [admitted(breaker, 60.0) for _ in range(3)]
    breaker.withdraw(tickets[0])
    assert breaker.admit(60.0) is not None
    assert breaker.admit(60.0) is None


class Life(RuleBasedStateMachine):
    """Calls begin and end in any order while time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(failure_threshold=3, timeout_s=60.0, half_open_max_calls=2)
        self.now = 0.0
        self.under_way: list[Ticket] = []
        self.opened_at = 0.0
        self.probes: list[Ticket] = []

    @rule(seconds=st.sampled_from([0.0, 1.0, 30.0, 59.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def call(self) -> None:
        before = self.breaker.state
        ticket = self.breaker.admit(self.now)
        if before is CLOSED:
            assert ticket is not None
        elif before is OPEN:
            assert (ticket is not None) is (self.now >= self.opened_at + 60.0)
            self.probes = []
        if ticket is not None:
            self.under_way.append(ticket)
            if self.breaker.state is HALF_OPEN:
                self.probes.append(ticket)
        assert len(self.probes) <= 2

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "fail", "withdraw"]))
    def end(self, data: st.DataObject, how: str) -> None:
        ticket = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        before = self.breaker.state
        match how:
            case "succeed":
                self.breaker.succeed(ticket)
                allowed = [(HALF_OPEN, CLOSED)]
            case "fail":
                self.breaker.fail(ticket, self.now)
                allowed = [(CLOSED, OPEN), (HALF_OPEN, OPEN)]
            case _:
                self.breaker.withdraw(ticket)
                allowed = []
                if before is HALF_OPEN and ticket in self.probes:
                    self.probes.remove(ticket)
        assert self.breaker.state is before or (before, self.breaker.state) in allowed
        if before is not OPEN and self.breaker.state is OPEN:
            self.opened_at = self.now
        if self.breaker.state is not HALF_OPEN:
            self.probes = []

    @invariant()
    def open_exactly_while_it_has_a_moment(self) -> None:
        assert (self.breaker.until is not None) is (self.breaker.state is OPEN)


TestLife = Life.TestCase


def test_room_is_what_would_be_admitted_now() -> None:
    breaker = Breaker(failure_threshold=1, timeout_s=60, half_open_max_calls=2)
    assert breaker.room(0) == math.inf
    ticket = breaker.admit(0)
    assert ticket is not None
    breaker.fail(ticket, 0)
    assert [breaker.room(59), breaker.room(60)] == [0, 2]
    assert breaker.admit(60) is not None
    assert breaker.room(60) == 1
