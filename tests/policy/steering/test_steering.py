"""Steering, and the book of rules: what holds, for whom, until when."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.failure import DamagedRecord
from empath.mail.waiting import WaitReason
from empath.policy.replies import Reaction
from empath.policy.steering import (
    OperatorRule,
    Orders,
    RuleBook,
    RuleKind,
    Scope,
    Steering,
    Stop,
    decode_rule,
    encode_rule,
)

NOON = 1_800_000_000.0


def rule(
    kind: RuleKind = RuleKind.SUSPENSION,
    scope: Scope = Scope(lane="a.example"),  # noqa: B008  (a frozen value)
    *,
    name: str = "sd-1",
    until: float | None = NOON + 3600,
    rate_per_s: float | None = None,
    connections: int | None = None,
) -> OperatorRule:
    return OperatorRule(
        id=name,
        kind=kind,
        scope=scope,
        by="ann",
        why="as they ask",
        created=NOON,
        until=until,
        rate_per_s=rate_per_s,
        connections=connections,
    )


def book(*rules: OperatorRule, now: float = NOON, moment: float = 1000.0) -> RuleBook:
    made = RuleBook()
    for one in rules:
        made.add(one, now=now, moment=moment)
    return made


@pytest.mark.parametrize(
    ("scope", "covers", "touches"),
    [
        (Scope(), True, True),
        (Scope(lane="a.example"), True, True),
        (Scope(lane="b.example"), False, False),
        (Scope(domain="a.example"), True, True),
        (Scope(domain="sub.a.example"), False, False),
        (Scope(sender="x@y.example"), False, True),
        (Scope(sender="X@Y.example", lane="a.example"), False, True),
        (Scope(sender="z@y.example"), False, False),
        (Scope(sender=""), False, False),
    ],
)
def test_a_scope_is_for_all_that_it_names_together(scope: Scope, covers: bool, touches: bool) -> None:
    assert scope.covers("a.example") is covers
    assert scope.touches("a.example", "a.example", "x@y.example") is touches


def test_a_domain_of_a_site_of_several_is_a_part_of_its_lane() -> None:
    held = book(rule(scope=Scope(domain="gmail.com")))
    assert held.orders_for("google") == Orders()
    assert held.suspended("google", "gmail.com", "x@y.example") is not None
    assert held.suspended("google", "googlemail.com", "x@y.example") is None
    assert held.is_partial


def test_a_suspension_stops_its_lane_until_its_end() -> None:
    orders = book(rule()).orders_for("a.example")
    assert orders.stop == Stop(WaitReason.SUSPENDED, 4600.0, "sd-1 by ann: as they ask")
    assert book(rule()).orders_for("b.example") == Orders()
    assert book(rule(until=None)).orders_for("a.example").stop == Stop(
        WaitReason.SUSPENDED, math.inf, "sd-1 by ann: as they ask"
    )


def test_a_freeze_stops_every_lane_and_is_what_people_hear_of() -> None:
    held = book(rule(), rule(RuleKind.FREEZE, Scope(), name="fz-1", until=NOON + 60))
    for site in ("a.example", "b.example"):
        stop = held.orders_for(site).stop
        assert stop is not None
        assert stop.reason is WaitReason.FROZEN
    assert held.frozen is not None


def test_of_two_rules_the_stricter_one_counts() -> None:
    held = book(
        rule(RuleKind.OVERLAY, name="ov-1", rate_per_s=2.0, connections=9),
        rule(RuleKind.OVERLAY, Scope(), name="ov-2", rate_per_s=5.0, connections=3),
        rule(name="sd-1"),
        rule(name="sd-2", until=NOON + 60),
    )
    orders = held.orders_for("a.example")
    assert (orders.rate_per_s, orders.connections) == (2.0, 3)
    assert orders.stop is not None
    assert orders.stop.until == 4600.0


def test_rules_end_when_their_time_is_over_and_not_before() -> None:
    held = book(rule(), rule(name="sd-2", until=None))
    assert held.next_end == 4600.0
    assert held.expired(4599.9) == []
    assert [one.id for one in held.expired(4600.0)] == ["sd-1"]
    held.remove("sd-1")
    assert held.next_end == math.inf


@pytest.mark.parametrize(("now", "remaining_s"), [(NOON, 3600), (NOON + 3000, 600), (NOON + 86_400, 0)])
def test_a_rule_that_was_kept_ends_when_it_said(now: float, remaining_s: float) -> None:
    assert book(rule(), now=now).next_end == 1000 + remaining_s


def test_a_clock_that_was_set_back_prolongs_nothing_beyond_what_was_meant() -> None:
    assert book(rule(), now=NOON - 86_400).next_end == 1000 + 3600


def test_names_are_not_used_twice() -> None:
    held = book(rule(name="sd-7"))
    assert held.new_name(RuleKind.SUSPENSION) == "sd-8"
    held.remove("sd-7")
    assert held.new_name(RuleKind.SUSPENSION) == "sd-9"
    assert held.new_name(RuleKind.OVERLAY) == "ov-1"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RULES = st.builds(
    OperatorRule,
    id=st.just("ov-1"),
    kind=st.sampled_from(RuleKind),
    scope=st.builds(Scope, lane=st.none() | TEXTS, domain=st.none() | TEXTS, sender=st.none() | TEXTS),
    by=TEXTS,
    why=TEXTS,
    created=st.floats(0, 1e10),
    until=st.none() | st.floats(0, 1e10),
    rate_per_s=st.none() | st.floats(0.001, 1e6),
    connections=st.none() | st.integers(1, 1000),
)


@given(RULES)
def test_what_was_written_is_read(one: OperatorRule) -> None:
    assert decode_rule(one.id, one.kind.value, encode_rule(one)) == one


@pytest.mark.parametrize(("kind", "body"), [("sd", b"{"), ("sd", b'{"by": 7}'), ("zz", b"{}"), ("sd", b"")])
def test_what_is_no_rule_is_damaged(kind: str, body: bytes) -> None:
    with pytest.raises(DamagedRecord, match="sd-1"):
        decode_rule("sd-1", kind, body)


def obeying(stop: Stop | None = None, rate_per_s: float | None = None, connections: int | None = None) -> Steering:
    steering = Steering()
    steering.obey(stop, rate_per_s=rate_per_s, connections=connections)
    return steering


def test_orders_replace_the_limit_of_the_configuration_and_hosts_only_lower_it() -> None:
    steering = obeying(connections=50)
    assert steering.limit(20) == 50
    steering.react(Reaction(connections=3, lasts_s=60), "421 too many", now=0, seen_per_s=1)
    assert steering.limit(20) == 3
    steering.settle(60)
    assert steering.limit(20) == 50
    steering.obey(None, rate_per_s=None, connections=None)
    assert steering.limit(20) == 20
    assert steering.is_idle


def test_a_rate_that_an_operator_sets_is_held_to_the_decimal() -> None:
    steering = obeying(rate_per_s=0.5)
    moments = []
    now = 0.0
    for _ in range(5):
        now = max(now, steering.ready_at(now))
        steering.take(now)
        moments.append(now)
    assert moments == [0, 2, 4, 6, 8]


def test_a_host_that_asks_for_a_pause_gets_it_and_no_longer() -> None:
    steering = Steering()
    assert steering.react(Reaction(suspend_s=300), "421 later", now=10, seen_per_s=1)
    assert not steering.react(Reaction(suspend_s=300), "421 later", now=20, seen_per_s=1)
    stop = steering.stop(20)
    assert stop is not None
    assert (stop.reason, stop.until) == (WaitReason.SUSPENDED, 320)
    assert "421 later" in stop.detail
    assert steering.ready_at(20) == 320
    steering.settle(320)
    assert steering.is_idle


def test_what_a_host_has_asked_for_ends_with_its_time_at_the_latest() -> None:
    steering = Steering()
    steering.react(Reaction(slow=0.5, lasts_s=100), "450 slow down", now=0, seen_per_s=10)
    assert steering.pace is not None
    assert steering.remembers
    steering.settle(99)
    assert not steering.is_idle
    steering.settle(100)
    assert steering.is_idle


def test_an_operator_can_have_it_forgotten() -> None:
    steering = Steering()
    steering.react(Reaction(slow=0.5, suspend_s=10, connections=1), "450", now=0, seen_per_s=10)
    steering.forget()
    assert steering.is_idle
    assert steering.ready_at(0) == -math.inf
