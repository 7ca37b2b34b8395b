"""Which limits of messages per time a job meets, and what it finds of them."""

from heapq import heappop, heappush

import pytest

from empath.config.schema import DeliverySettings, DomainSettings, Rate, RateLimitSettings, SiteSettings
from empath.config.units import Period
from empath.delivery import Job, RateLimits
from empath.mail.waiting import WaitReason
from empath.smtp import Domain
from tests.delivery.jobs import job

A_SECOND = Rate(1, Period.SECOND)


def limits(rates: RateLimitSettings | None = None, **domains: Rate) -> RateLimits:
    own = {Domain.parse(f"{name}.example"): DomainSettings(rate_limit=rate) for name, rate in domains.items()}
    return RateLimits(settings=DeliverySettings(rate_limits=rates or RateLimitSettings(), domains=own))


def duration(limits: RateLimits, one: Job, messages: int) -> float:
    """How long it takes until so many have left, if each goes as soon as it may."""
    now = 0.0
    for _ in range(messages):
        while (refusal := limits.take(one, now)) is not None:
            assert refusal.until > now
            now = refusal.until
    return now


def test_without_a_limit_nobody_waits() -> None:
    assert limits().is_unlimited
    assert not limits(RateLimitSettings(per_source=A_SECOND)).is_unlimited
    assert duration(limits(), job("a.example"), 100) == 0


def test_a_domain_waits_for_its_own_limit() -> None:
    some = limits(a=Rate(2, Period.SECOND))
    assert not some.is_unlimited
    assert duration(some, job("a.example"), 11) == pytest.approx(5)
    assert duration(some, job("b.example"), 100) == 0
    assert (some.is_limited("a.example"), some.is_limited("b.example")) == (True, False)


def test_a_rate_is_spaced_evenly_unless_it_allows_a_burst() -> None:
    assert duration(limits(a=Rate(60, Period.MINUTE)), job("a.example"), 60) == pytest.approx(59)
    assert duration(limits(a=Rate(60, Period.MINUTE, burst=10)), job("a.example"), 10) == 0


def test_the_limit_of_all_holds_over_domains() -> None:
    some = limits(RateLimitSettings(global_per_second=A_SECOND))
    assert some.take(job("a.example"), 0) is None
    refusal = some.take(job("b.example"), 0)
    assert refusal is not None
    assert (refusal.reason, refusal.until, refusal.key) == (WaitReason.RATE_GLOBAL, 1, None)


def test_a_thousand_lanes_that_wait_for_the_same_limit_do_not_all_wake_for_each_token() -> None:
    some = limits(RateLimitSettings(global_per_second=Rate(100, Period.SECOND)))
    now, line = 0.0, [(0.0, number) for number in range(1000)]
    while line:
        now, number = heappop(line)
        refusal = some.take(job(f"{number}.example"), now)
        if refusal is not None:
            heappush(line, (refusal.until, number))
    assert now == pytest.approx(9.99)
    assert some.refused[WaitReason.RATE_GLOBAL] < 8 * 1000


def test_the_strictest_of_several_limits_holds_and_is_named() -> None:
    rates = RateLimitSettings(global_per_second=Rate(10, Period.SECOND), per_domain_per_second=Rate(5, Period.SECOND))
    some = limits(rates, a=A_SECOND)
    assert duration(some, job("a.example"), 4) == pytest.approx(3)
    refusal = some.take(job("a.example"), 3)
    assert refusal is not None
    assert refusal.reason is WaitReason.RATE_DOMAIN


def test_what_is_refused_by_one_limit_is_counted_by_none() -> None:
    some = limits(RateLimitSettings(global_per_second=A_SECOND), a=Rate(1, Period.HOUR))
    assert some.take(job("a.example"), 0) is None
    assert some.take(job("a.example"), 1) is not None
    assert some.take(job("b.example"), 1) is None


def test_what_did_not_leave_is_given_back() -> None:
    some = limits(a=Rate(1, Period.HOUR))
    assert some.take(job("a.example"), 0) is None
    some.give_back(job("a.example"), 0)
    assert some.take(job("a.example"), 0) is None


def test_what_did_not_leave_lets_nobody_follow_too_closely_on_who_went_later() -> None:
    some = limits(RateLimitSettings(global_per_second=A_SECOND))
    assert some.take(job("a.example"), 0) is None
    assert some.take(job("b.example"), 1) is None
    some.give_back(job("a.example"), 0)
    refusal = some.take(job("c.example"), 1.5)
    assert refusal is not None
    assert refusal.until == 2


def test_a_domain_with_a_rate_of_its_own_has_not_the_default() -> None:
    some = limits(RateLimitSettings(default=Rate(1, Period.HOUR)), a=A_SECOND)
    assert duration(some, job("a.example"), 3) == pytest.approx(2)
    assert duration(some, job("b.example"), 2) == pytest.approx(3600)


def rolled_up(rates: RateLimitSettings | None = None, site: Rate | None = None) -> RateLimits:
    name = Domain.parse("big")
    domains = (Domain.parse("a.example"), Domain.parse("b.example"))
    own = {domains[0]: DomainSettings(rate_limit=Rate(1, Period.HOUR))}
    delivery = DeliverySettings(
        rate_limits=rates or RateLimitSettings(),
        sites={name: SiteSettings(domains=domains, rate_limit=site)},
        domains=own,
    )
    return RateLimits(settings=delivery, site_names={"a.example": "big", "b.example": "big"})


def test_the_domains_of_a_site_share_its_limit_and_keep_their_own() -> None:
    some = rolled_up(site=A_SECOND)
    assert some.take(job("b.example", site="big"), 0) is None
    refusal = some.take(job("b.example", site="big"), 0)
    assert refusal is not None
    assert refusal.key is None  # nothing of this lane may go
    assert some.take(job("a.example", site="big"), 1) is None
    refusal = some.take(job("a.example", site="big"), 2)
    assert refusal is not None
    assert refusal.key == ("domain", "a.example")
    assert some.take(job("b.example", site="big"), 2) is None


def test_behind_a_smart_host_the_limits_of_domain_and_site_hold_as_well() -> None:
    some = rolled_up(site=A_SECOND)
    assert some.take(job("b.example", site="relay.example:25"), 0) is None
    refusal = some.take(job("b.example", site="relay.example:25"), 0)
    assert refusal is not None
    assert refusal.key == ("domain", "b.example")
    assert some.take(job("c.example", site="relay.example:25"), 0) is None


def test_each_site_has_the_limit_for_sites_unless_it_has_its_own() -> None:
    rates = RateLimitSettings(per_site=Rate(1, Period.HOUR))
    assert duration(rolled_up(rates, site=A_SECOND), job("b.example", site="big"), 3) == pytest.approx(2)
    some = rolled_up(rates)
    assert some.take(job("b.example", site="big"), 0) is None
    assert some.take(job("c.example", site="big"), 0) is not None
    assert some.take(job("c.example"), 0) is None


def test_each_address_of_ours_has_a_limit() -> None:
    sources = {"a.example": ("192.0.2.1",), "b.example": ("192.0.2.1", "2001:db8::1"), "c.example": ("192.0.2.3",)}
    some = RateLimits(
        settings=DeliverySettings(rate_limits=RateLimitSettings(per_source=A_SECOND)),
        sources_of=lambda domain: sources.get(domain, ()),
    )
    assert some.take(job("a.example"), 0) is None
    refusal = some.take(job("b.example"), 0)
    assert refusal is not None
    assert (refusal.reason, refusal.until) == (WaitReason.RATE_SOURCE, 1)
    assert some.take(job("c.example"), 0) is None
    assert some.take(job("d.example"), 0) is None
    assert some.take(job("e.example"), 0) is not None  # the address that the system takes is one as well


def test_each_user_who_logged_in_has_a_limit_and_strangers_have_none() -> None:
    some = limits(RateLimitSettings(per_sender=A_SECOND))
    assert some.take(job(user="ann"), 0) is None
    refusal = some.take(job("b.example", user="ann"), 0)
    assert refusal is not None
    assert (refusal.reason, refusal.key) == (WaitReason.RATE_SENDER, ("sender", "ann"))
    assert some.take(job(user="bob"), 0) is None
    assert duration(some, job(), 100) == 0


@pytest.mark.parametrize("counts", [False, True])
def test_reports_of_ours_wait_for_limits_only_if_they_are_to(counts: bool) -> None:
    rates = RateLimitSettings(global_per_second=A_SECOND, default=A_SECOND, count_reports=counts)
    assert duration(limits(rates), job(sender=None), 3) == (2 if counts else 0)


@pytest.mark.parametrize("counts", [False, True])
def test_mail_for_this_machine_waits_for_limits_only_if_it_is_to(counts: bool) -> None:
    some = RateLimits(
        settings=DeliverySettings(rate_limits=RateLimitSettings(global_per_second=A_SECOND, count_local=counts)),
        is_local=lambda domain: domain == "a.example",
    )
    assert duration(some, job("a.example"), 3) == (2 if counts else 0)
    assert duration(some, job("b.example"), 3) >= 2


def test_what_is_said_of_a_domain_by_name_holds_for_reports_too() -> None:
    assert duration(limits(a=A_SECOND), job("a.example", sender=None), 3) == 2


def test_a_rate_of_an_operator_takes_the_place_of_those_of_the_site_and_of_no_others() -> None:
    slow = Rate(1, Period.HOUR)
    some = limits(RateLimitSettings(default=slow, per_site=slow, global_per_second=A_SECOND), a=slow)
    assert some.take(job("a.example"), 0, overlaid=True) is None
    refusal = some.take(job("a.example"), 0.5, overlaid=True)
    assert refusal is not None
    assert refusal.reason is WaitReason.RATE_GLOBAL
    assert some.take(job("a.example"), 1, overlaid=True) is None


def test_the_tables_have_a_bound() -> None:
    rate = Rate(1, Period.DAY)
    every = RateLimitSettings(
        default=rate, per_domain_per_second=rate, per_site=rate, per_source=rate, per_sender=rate, max_domains=30
    )
    some = limits(every)
    for number in range(200):
        some.take(job(f"d{number}.example", user=f"u{number}"), number)
    for table in (some._domains, some._default, some._sites, some._sources, some._senders):
        assert table is not None
        assert len(table) <= 30
