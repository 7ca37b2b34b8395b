"""What goes next: fair between senders, by weight between classes, with a bounded share for retries."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from empath.mail.priority import Priority
from empath.policy.scheduling import Backlog, FairQueue, Shares, Standing, Weights

CLASSES = list(Priority)


def fill(backlog: Backlog[tuple[str, int]], name: str, standing: Standing, many: int) -> None:
    for number in range(many):
        backlog.push((name, number), standing)


def names(backlog: Backlog[tuple[str, int]], many: int) -> list[str]:
    return [backlog.pop()[0] for _ in range(many)]


def test_one_kind_leaves_in_its_order() -> None:
    backlog: Backlog[int] = Backlog()
    for number in range(100):
        backlog.push(number, Standing(Priority.NORMAL, "a"))
    assert backlog.empty() == list(range(100))
    assert len(backlog) == 0


def test_an_empty_one_has_nothing_to_give() -> None:
    backlog: Backlog[int] = Backlog()
    with pytest.raises(IndexError):
        backlog.pop()
    with pytest.raises(IndexError):
        backlog.drop_last()


def test_one_message_of_another_sender_does_not_wait_behind_a_thousand() -> None:
    backlog: Backlog[tuple[str, int]] = Backlog()
    fill(backlog, "bulk", Standing(Priority.NORMAL, "bulk"), 1000)
    fill(backlog, "ann", Standing(Priority.NORMAL, "ann"), 1)
    assert "ann" in names(backlog, 3)


def test_senders_get_the_same_whatever_the_size_of_their_messages() -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for _ in range(300):
        queue.push(("many", 30), flow="many", cost=30)
        for _ in range(30):
            queue.push(("one", 1), flow="one", cost=1)
    given: Counter[str] = Counter()
    for _ in range(3000):
        name, cost = queue.pop()
        given[name] += cost
    assert abs(given["many"] - given["one"]) <= 60


@pytest.mark.parametrize("rounds", [150, 1500])
def test_classes_get_their_shares_to_within_a_tenth(rounds: int) -> None:
    weights = Weights()
    backlog: Backlog[tuple[str, int]] = Backlog(weights)
    for priority in CLASSES:
        fill(backlog, priority.value, Standing(priority, "x"), rounds)
    served = Counter(names(backlog, rounds))
    total = sum(weights.of_classes)
    for priority, weight in zip(CLASSES, weights.of_classes, strict=True):
        assert served[priority.value] == pytest.approx(rounds * weight / total, rel=0.1)


def test_the_lowest_class_goes_on_while_the_highest_never_ends() -> None:
    backlog: Backlog[tuple[str, int]] = Backlog()
    fill(backlog, "low", Standing(Priority.LOW, "x"), 5)
    gone = 0
    for _ in range(60):
        fill(backlog, "critical", Standing(Priority.CRITICAL, "y"), 2)
        gone += names(backlog, 1) == ["low"]
    assert gone == 5


def test_what_comes_in_the_highest_class_goes_before_all_that_waits() -> None:
    backlog: Backlog[tuple[str, int]] = Backlog()
    fill(backlog, "normal", Standing(Priority.NORMAL, "x"), 1000)
    names(backlog, 500)
    for _ in range(50):
        fill(backlog, "critical", Standing(Priority.CRITICAL, "y"), 1)
        assert "critical" in names(backlog, 2)
        names(backlog, 5)


def test_retries_get_their_share_and_no_more_while_new_mail_waits() -> None:
    backlog: Backlog[tuple[str, int]] = Backlog(Weights(retry_share=0.2))
    fill(backlog, "again", Standing(Priority.NORMAL, "x", is_retry=True), 1000)
    fill(backlog, "new", Standing(Priority.NORMAL, "x"), 400)
    served = Counter(names(backlog, 500))
    assert served["again"] == pytest.approx(100, abs=2)
    assert names(backlog, 900) == ["again"] * 900


def test_what_would_go_last_is_what_is_dropped_first() -> None:
    backlog: Backlog[tuple[str, int]] = Backlog()
    fill(backlog, "new", Standing(Priority.HIGH, "x"), 2)
    fill(backlog, "again", Standing(Priority.LOW, "x", is_retry=True), 1)
    fill(backlog, "low", Standing(Priority.LOW, "y"), 1)
    assert [backlog.drop_last()[0] for _ in range(4)] == ["again", "low", "new", "new"]


def test_it_tells_whether_a_class_waits() -> None:
    backlog: Backlog[int] = Backlog()
    assert not backlog.has(Priority.CRITICAL)
    backlog.push(1, Standing(Priority.CRITICAL, "x"))
    assert backlog.has(Priority.CRITICAL)
    backlog.push(2, Standing(Priority.LOW, "x"))
    assert backlog.has(Priority.CRITICAL)
    backlog.pop()
    assert not backlog.has(Priority.CRITICAL)


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=6))
def test_shares_hold_to_within_one_in_every_stretch(weights: list[float]) -> None:
    shares, total, steps = Shares(weights), sum(weights), 200
    gone = Counter(shares.choose(lambda _: True) for _ in range(steps))
    for number, weight in enumerate(weights):
        assert abs(gone[number] - steps * weight / total) <= len(weights)


FLOWS = st.sampled_from("abcd")


class BacklogModel(RuleBasedStateMachine):
    """Whatever is pushed and popped: nothing is lost or made, and each sender's mail of a kind keeps its order."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog: Backlog[tuple[Standing, int]] = Backlog()
        self.lines: dict[tuple[object, ...], list[int]] = {}
        self.number = 0
        self.passed_over: Counter[tuple[object, ...]] = Counter()

    @rule(
        priority=st.sampled_from(CLASSES),
        flow=FLOWS,
        is_retry=st.booleans(),
        cost=st.integers(1, 5),
        many=st.integers(1, 5),
    )
    def push(self, priority: Priority, flow: str, is_retry: bool, cost: int, many: int) -> None:
        for _ in range(many):
            self.number += 1
            standing = Standing(priority, flow, is_retry, cost)
            self.backlog.push((standing, self.number), standing)
            self.lines.setdefault(standing[:3], []).append(self.number)

    @precondition(lambda self: self.lines)
    @rule()
    def pop(self) -> None:
        standing, number = self.backlog.pop()
        self._gone(standing, number, first=True)
        for kind in self.lines:
            self.passed_over[kind] += 1
        self.passed_over.pop(standing[:3], None)

    @precondition(lambda self: self.lines)
    @rule()
    def drop_last(self) -> None:
        standing, number = self.backlog.drop_last()
        self._gone(standing, number, first=False)

    def _gone(self, standing: Standing, number: int, *, first: bool) -> None:
        line = self.lines[standing[:3]]
        assert line[0 if first else -1] == number
        line.remove(number)
        if not line:
            del self.lines[standing[:3]]
            self.passed_over.pop(standing[:3], None)

    @invariant()
    def it_knows_how_many_there_are(self) -> None:
        assert len(self.backlog) == sum(map(len, self.lines.values()))
        waiting = {kind[0] for kind in self.lines}
        assert all(self.backlog.has(priority) is (priority in waiting) for priority in CLASSES)

    @invariant()
    def nobody_starves(self) -> None:
        # The lowest class has a fifteenth, retries a fifth of it, and four senders share that with turns of up to five.
        assert max(self.passed_over.values(), default=0) <= 15 * 5 * 4 * 5 * 2


TestBacklog = BacklogModel.TestCase


@pytest.mark.parametrize("make", [FairQueue])
def test_a_decision_costs_the_same_however_many_senders_wait(make: Callable[[], FairQueue[int]]) -> None:
    queue = make()
    for number in range(10_000):
        queue.push(number, flow=number)
    assert [queue.pop() for _ in range(10_000)] == list(range(10_000))
