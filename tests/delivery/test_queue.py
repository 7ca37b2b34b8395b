"""The queue of a lane: what goes next, and which limits it waits for."""

from math import inf

import pytest

from empath.config.schema import DeliverySettings, DomainSettings, Rate, RateLimitSettings
from empath.config.units import Period
from empath.delivery import RateLimits
from empath.delivery.lanes.queue import Queue
from empath.mail.priority import Priority
from empath.mail.waiting import WaitReason
from empath.smtp import Domain
from tests.delivery.jobs import job

A_MINUTE = Rate(1, Period.MINUTE)


def queue(rates: RateLimitSettings | None = None, **domains: Rate) -> Queue:
    own = {Domain.parse(f"{name}.example"): DomainSettings(rate_limit=rate) for name, rate in domains.items()}
    return Queue(RateLimits(settings=DeliverySettings(rate_limits=rates or RateLimitSettings(), domains=own)))


def test_without_limits_everything_may_go() -> None:
    one = Queue()
    jobs = [job(recipients=2) for _ in range(3)]
    for each in jobs:
        one.push(each)
    assert (len(one), one.deliveries, one.ready(0), one.wakes_at) == (3, 6, 3, inf)
    assert [one.pop(0) for _ in range(4)] == [*jobs, None]
    assert (len(one), one.deliveries, one.size_bytes) == (0, 0, 0)


def test_a_limit_of_the_lane_stops_it_until_its_exact_moment() -> None:
    one = queue(a=A_MINUTE)
    jobs = [job("a.example") for _ in range(2)]
    for each in jobs:
        one.push(each)
    assert one.pop(0) is jobs[0]
    assert one.pop(0) is None
    assert one.refusal is not None
    assert (one.refusal.reason, one.ready(59), one.wakes_at, len(one)) == (WaitReason.RATE_DOMAIN, 0, 60, 1)
    assert one.pop(59) is None
    assert one.ready(60) == 1
    assert one.pop(60) is jobs[1]


def test_what_waits_for_a_limit_of_its_own_lets_others_pass() -> None:
    one = queue(RateLimitSettings(per_sender=A_MINUTE))
    bulk = [job(user="bulk") for _ in range(3)]
    ann = job(user="ann")
    for each in (*bulk, ann):
        one.push(each)
    assert one.pop(0) is bulk[0]
    assert one.pop(0) is ann
    assert one.pop(0) is None
    assert (one.ready(59), one.ready(60), one.wakes_at, len(one), set(one)) == (0, 1, 60, 2, {*bulk[1:]})
    assert [one.pop(60), one.pop(60)] == [bulk[1], None]
    assert one.wakes_at == 120
    one.push(last := job(user="bulk"))
    assert [one.pop(119), one.pop(120), one.pop(120), one.pop(180)] == [None, bulk[2], None, last]
    assert len(one) == 0


def test_what_could_not_be_attempted_is_first_again_and_does_not_count() -> None:
    one = queue(a=A_MINUTE)
    jobs = [job("a.example") for _ in range(2)]
    for each in jobs:
        one.push(each)
    first = one.pop(0)
    assert first is jobs[0]
    one.give_back(first, 0)
    assert (one.pop(0), one.pop(0)) == (jobs[0], None)


def test_only_what_is_critical_may_be_asked_for() -> None:
    one = Queue()
    one.push(job())
    assert (one.has_critical, one.pop(0, critical_only=True)) == (False, None)
    one.push(urgent := job(priority=Priority.CRITICAL))
    assert one.has_critical
    assert one.pop(0, critical_only=True) is urgent


@pytest.mark.parametrize("user", [None, "ann"])
def test_all_that_waits_can_be_taken_out_wherever_it_stands(user: str | None) -> None:
    one = queue(RateLimitSettings(per_sender=A_MINUTE, global_per_second=Rate(1, Period.SECOND)))
    jobs = [job(user=user) for _ in range(5)]
    for each in jobs:
        one.push(each)
    assert [one.pop(0), one.pop(0)] == [jobs[0], None]
    assert one.remove(lambda each: each is jobs[2]) == [jobs[2]]
    assert one.drop_last() in jobs[1:]
    rest = one.empty()
    assert len(rest) == 2
    assert (len(one), one.deliveries) == (0, 0)
    with pytest.raises(IndexError):
        one.drop_last()


def oldest(one: Queue) -> float | None:
    return one.oldest


def test_it_knows_the_oldest_whatever_comes_and_goes() -> None:
    one = Queue()
    assert oldest(one) is None
    jobs = [job(received=float(at), user=f"u{at % 3}") for at in (5, 3, 9, 4, 7)]
    for each in jobs[:3]:
        one.push(each)
    assert oldest(one) == 3
    for each in jobs[3:]:
        one.push(each)
    while one:
        assert oldest(one) == min(each.claim.received for each in one)
        taken = one.pop(0)
        assert taken is not None
        if taken.claim.received == 3:
            assert oldest(one) == min(each.claim.received for each in one)
            one.give_back(taken, 0)
            assert oldest(one) == 3
            one.remove(lambda each: each.claim.received == 3)
    assert oldest(one) is None
    one.push(jobs[2])
    assert oldest(one) == 9
    one.empty()
    assert oldest(one) is None
