"""The schedule of retries: the figures, the spread, the end, and clocks that step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.failure_class import FailureClass
from empath.policy.retry import GiveUp, Retries, RetryPolicy, RetryRule

DAY = 86_400.0
PLAIN = RetryPolicy(jitter_factor=0.0)
POLICIES = st.builds(
    RetryPolicy,
    base_delay_s=st.floats(0.001, 86_400),
    multiplier=st.floats(1, 100),
    max_delay_s=st.floats(86_400, 1e7),
    jitter_factor=st.floats(0, 0.99),
    max_attempts=st.integers(1, 1000),
    max_age_s=st.floats(0.001, 1e9),
)
CHANCE = st.floats(0, 1, exclude_max=True)
MOMENTS = st.floats(0, 4e9)


def test_attempts_are_one_two_four_eight_minutes_apart_and_so_on_up_to_a_day() -> None:
    minutes = [PLAIN.delay_s(attempts, 0.5) / 60 for attempts in range(1, 14)]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440]


def test_five_days_end_with_the_fifteenth_attempt() -> None:
    now, attempts = 0.0, 0
    while not PLAIN.is_expired(0.0, now):
        attempts += 1
        planned = PLAIN.after(attempts, created=0.0, now=now, chance=0.5)
        assert isinstance(planned, float)
        now = planned
    assert attempts == 15
    assert now == 5 * DAY


def test_twenty_five_attempts_are_the_end_when_age_is_not() -> None:
    patient = RetryPolicy(max_age_s=1e9)
    assert isinstance(patient.after(24, created=0.0, now=1.0, chance=0.5), float)
    assert patient.after(25, created=0.0, now=1.0, chance=0.5) is GiveUp.ATTEMPTS


def test_age_is_the_end_whatever_the_attempts() -> None:
    assert PLAIN.after(1, created=0.0, now=5 * DAY, chance=0.5) is GiveUp.AGE


@pytest.mark.parametrize(("chance", "delay_s"), [(0.0, 48.0), (0.5, 60.0), (0.75, 66.0), (1.0, 72.0)])
def test_chance_adds_or_takes_up_to_a_fifth(chance: float, delay_s: float) -> None:
    assert RetryPolicy().delay_s(1, chance) == pytest.approx(delay_s)


@pytest.mark.parametrize(("chance", "part"), [(0.0, 0.8), (0.25, 0.9), (0.5, 1.0), (0.75, 0.9), (1.0, 0.8)])
def test_at_the_maximum_chance_only_takes_and_still_spreads(chance: float, part: float) -> None:
    assert RetryPolicy().delay_s(20, chance) == pytest.approx(part * DAY)


@given(POLICIES, st.integers(1, 10_000), CHANCE)
def test_every_delay_is_near_its_plan_and_never_above_the_maximum(
    policy: RetryPolicy, attempts: int, chance: float
) -> None:
    delay_s = policy.delay_s(attempts, chance)
    plain_s = RetryPolicy(
        base_delay_s=policy.base_delay_s,
        multiplier=policy.multiplier,
        max_delay_s=policy.max_delay_s,
        jitter_factor=0.0,
    ).delay_s(attempts, chance)
    assert plain_s * (1 - policy.jitter_factor) * 0.999 <= delay_s <= plain_s * (1 + policy.jitter_factor) * 1.001
    assert 0 < delay_s <= policy.max_delay_s


@given(POLICIES, st.integers(1, 1000), MOMENTS, MOMENTS, CHANCE)
def test_a_planned_attempt_is_within_reach_and_never_beyond_the_end(
    policy: RetryPolicy, attempts: int, created: float, now: float, chance: float
) -> None:
    planned = policy.after(attempts, created=created, now=now, chance=chance)
    if isinstance(planned, GiveUp):
        assert attempts >= policy.max_attempts or policy.is_expired(created, now)
        return
    assert planned <= created + policy.max_age_s
    assert planned <= policy.latest(now)


@given(POLICIES, MOMENTS, st.floats(0, 1e9))
def test_a_clock_that_was_set_back_makes_nothing_older(policy: RetryPolicy, created: float, step: float) -> None:
    assert not policy.is_expired(created, created - step)


def test_a_time_from_before_the_clock_was_set_back_is_later_than_any_that_can_be_planned() -> None:
    planned_before = 10 * DAY + 3600
    assert planned_before <= PLAIN.latest(10 * DAY)
    assert planned_before > PLAIN.latest(8 * DAY)


def test_a_deadline_is_the_end_however_young_a_delivery_is() -> None:
    assert PLAIN.after(1, created=0.0, now=10.0, chance=0.5, deadline=30.0) == 30.0
    assert PLAIN.after(1, created=0.0, now=30.0, chance=0.5, deadline=30.0) is GiveUp.AGE
    assert PLAIN.after(1, created=0.0, now=10.0, chance=0.5, deadline=1e9) == 70.0
    assert PLAIN.is_expired(0.0, 5 * DAY, deadline=1e9)


def test_the_timetable_is_what_happens_without_chance() -> None:
    table = PLAIN.timetable()
    assert [at_s / 60 for at_s in table.attempts_at_s[:5]] == [0, 1, 3, 7, 15]
    assert (len(table.attempts_at_s), table.end_s, table.reason) == (15, 5 * DAY, GiveUp.AGE)
    short = RetryPolicy(max_attempts=3).timetable()
    assert (short.attempts_at_s, short.end_s, short.reason) == ((0.0, 60.0, 180.0), 180.0, GiveUp.ATTEMPTS)


@given(POLICIES.filter(lambda policy: policy.max_age_s / policy.base_delay_s < 1e5))
def test_the_timetable_agrees_with_the_plan(policy: RetryPolicy) -> None:
    table, now, made = policy.timetable(), 0.0, [0.0]
    while isinstance(planned := policy.after(len(made), created=0.0, now=now, chance=0.5), float):
        if policy.is_expired(0.0, planned):
            break
        now = planned
        made.append(now)
    assert made == pytest.approx(table.attempts_at_s)


def test_age_comes_before_attempts_when_both_are_over() -> None:
    assert PLAIN.after(25, created=0.0, now=5 * DAY, chance=0.5) is GiveUp.AGE


GREY = RetryRule(policy=RetryPolicy(base_delay_s=300), classes=frozenset({FailureClass.GREYLISTED}))
BIG = RetryRule(policy=RetryPolicy(base_delay_s=7, max_delay_s=3 * DAY), domains=frozenset({"big.example"}))
BOTH = RetryRule(policy=RetryPolicy(base_delay_s=9), classes=GREY.classes, domains=BIG.domains)
RULES = Retries(usual=PLAIN, rules=(BOTH, GREY, BIG), uncertain_pause_s=900.0)


@pytest.mark.parametrize(
    ("domain", "failure_class", "base_delay_s"),
    [
        ("example.org", FailureClass.GREYLISTED, 300),
        ("example.org", FailureClass.POLICY, 60),
        ("example.org", None, 60),
        ("big.example", FailureClass.GREYLISTED, 9),
        ("big.example", FailureClass.POLICY, 7),
        ("big.example", None, 7),
        ("sub.big.example", FailureClass.POLICY, 60),
    ],
)
def test_the_first_rule_that_fits_decides(domain: str, failure_class: FailureClass | None, base_delay_s: float) -> None:
    assert RULES.policy(domain, failure_class).base_delay_s == base_delay_s


def planned(failure_class: FailureClass, *, now: float = 100.0, landmark: float = float("inf")) -> float | GiveUp:
    return Retries(usual=PLAIN, uncertain_pause_s=900.0).after(
        1,
        domain="example.org",
        failure_class=failure_class,
        created=0.0,
        now=now,
        chance=0.5,
        landmark=landmark,
    )


def test_what_may_have_arrived_waits_for_a_pause() -> None:
    assert planned(FailureClass.CONNECTION) == 160.0
    assert planned(FailureClass.UNCERTAIN) == 1000.0


def test_no_pause_is_longer_than_the_age() -> None:
    assert planned(FailureClass.UNCERTAIN, now=5 * DAY - 10) == 5 * DAY


def test_an_attempt_is_made_at_the_landmark_and_only_once() -> None:
    assert planned(FailureClass.BUSY, landmark=130.0) == 130.0
    assert planned(FailureClass.BUSY, landmark=100.0) == 160.0
    assert planned(FailureClass.BUSY, landmark=170.0) == 160.0


def test_the_latest_plan_is_that_of_the_longest_delay_of_all() -> None:
    assert Retries(usual=PLAIN).latest(10.0) == 10.0 + DAY
    assert RULES.latest(10.0) == 10.0 + 3 * DAY
    assert Retries(usual=PLAIN, uncertain_pause_s=2 * DAY).latest(10.0) == 10.0 + 2 * DAY


@given(st.sampled_from(FailureClass), st.sampled_from(["big.example", "example.org"]), MOMENTS, MOMENTS, CHANCE)
def test_whatever_rule_decides_the_plan_is_within_reach(
    failure_class: FailureClass, domain: str, created: float, now: float, chance: float
) -> None:
    moment = RULES.after(
        3, domain=domain, failure_class=failure_class, created=created, now=now, chance=chance, landmark=now + 5
    )
    if isinstance(moment, float):
        assert moment <= RULES.latest(now)
        assert moment <= created + RULES.policy(domain, failure_class).max_age_s
