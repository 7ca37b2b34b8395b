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
    (CLOSED, BreakerEvent.ISOLATE): OPEN,
    (OPEN, BreakerEvent.ISOLATE): OPEN,
    (HALF_OPEN, BreakerEvent.ISOLATE): OPEN,
    (CLOSED, BreakerEvent.RESET): CLOSED,
    (OPEN, BreakerEvent.RESET): CLOSED,
    (HALF_OPEN, BreakerEvent.RESET): CLOSED,
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


def test_one_failed_probe_opens_it_again_for_twice_the_time() -> None:
    breaker = tripped()
    tickets = [admitted(breaker, 60.0) for _ in range(3)]
    breaker.succeed(tickets[0])
    breaker.fail(tickets[1], 65.0)
    assert (breaker.state, breaker.until) == (OPEN, 185.0)
    breaker.fail(tickets[2], 99.0)
    assert breaker.until == 185.0


def open_times(breaker: Breaker, rounds: int) -> list[float]:
    """For how long it is open each time, if every probe fails at once."""
    now, spans = 0.0, list[float]()
    for _ in range(rounds):
        while breaker.state is not OPEN:
            breaker.fail(admitted(breaker, now), now)
        assert breaker.until is not None
        spans.append(breaker.until - now)
        now = breaker.until
        assert breaker.admit(now) is not None
    return spans


def test_each_failed_probe_doubles_the_time_up_to_the_maximum() -> None:
    assert open_times(Breaker(timeout_s=60, max_timeout_s=600), 5) == [60, 120, 240, 480, 600]


def test_a_maximum_below_the_time_means_nothing() -> None:
    assert open_times(Breaker(timeout_s=7200, max_timeout_s=900), 3) == [7200, 7200, 7200]


def test_closing_makes_it_forget_how_long_it_was_open() -> None:
    breaker = Breaker(failure_threshold=1, timeout_s=60, max_timeout_s=900, half_open_max_calls=1)
    breaker.fail(admitted(breaker), 0)
    breaker.fail(admitted(breaker, 60), 60)
    breaker.succeed(admitted(breaker, 180))
    breaker.fail(admitted(breaker, 200), 200)
    assert breaker.until == 260


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_an_operator_opens_it_for_a_time_whatever_its_state(moves: int) -> None:
    breaker = Breaker(failure_threshold=1)
    if moves:
        breaker.fail(admitted(breaker), 0)
    probe = admitted(breaker, 60) if moves == 2 else None
    breaker.isolate(1000)
    if probe is not None:
        breaker.succeed(probe)
    assert (breaker.state, breaker.until, breaker.admit(999)) == (OPEN, 1000, None)
    assert breaker.admit(1000) is not None


def test_an_operator_opens_it_without_end_and_closes_it_again() -> None:
    breaker = Breaker()
    breaker.isolate(math.inf)
    assert breaker.admit(1e12) is None
    breaker.reset()
    assert (breaker.state, breaker.until, breaker.failures) == (CLOSED, None, 0)


def test_a_reset_begins_the_count_anew() -> None:
    breaker = Breaker(failure_threshold=2)
    old = admitted(breaker)
    breaker.fail(admitted(breaker), 0)
    assert breaker.failures == 1
    breaker.reset()
    breaker.fail(old, 0)
    assert (breaker.state, breaker.failures) == (CLOSED, 0)


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
        self.breaker = Breaker(failure_threshold=3, timeout_s=60.0, max_timeout_s=240.0, half_open_max_calls=2)
        self.now = 0.0
        self.under_way: list[Ticket] = []
        self.opens_at = 0.0
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
            assert (ticket is not None) is (self.now >= self.opens_at)
            self.probes = []
        if ticket is not None:
            self.under_way.append(ticket)
            if self.breaker.state is HALF_OPEN:
                self.probes.append(ticket)
        assert len(self.probes) <= 2

    @rule(seconds=st.sampled_from([0.0, 100.0]))
    def isolate(self, seconds: float) -> None:
        self.breaker.isolate(self.now + seconds)
        self.opens_at, self.probes = self.now + seconds, []
        assert self.breaker.state is OPEN

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        self.probes = []
        assert self.breaker.state is CLOSED

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
            assert self.breaker.until is not None
            self.opens_at = self.breaker.until
            assert 60.0 <= self.opens_at - self.now <= (60.0 if before is CLOSED else 240.0)
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
