import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, DomainSettings
from empath.config.schema.delivery import RateLimitSettings
from empath.config.units import Period, Rate
from empath.delivery import RateLimits
from empath.smtp import Domain


def limits(rates: RateLimitSettings | None = None, **domains: Rate) -> RateLimits:
    own = {Domain.parse(f"{name}.example"): DomainSettings(rate_limit=rate) for name, rate in domains.items()}
    return RateLimits(DeliverySettings(rate_limits=rates or RateLimitSettings(), domains=own))


async def duration(limits: RateLimits, domain: str, messages: int) -> float:
    began = trio.current_time()
    for _ in range(messages):
        await limits.wait(domain)
    return trio.current_time() - began


async def test_without_a_limit_nobody_waits(autojump_clock: MockClock) -> None:
    assert await duration(limits(), "a.example", 100) == 0


async def test_a_domain_waits_for_its_own_limit(autojump_clock: MockClock) -> None:
    some = limits(a=Rate(2, Period.SECOND))
    assert await duration(some, "a.example", 11) == pytest.approx(5)
    assert await duration(some, "b.example", 100) == 0


async def test_the_limit_of_all_holds_over_domains(autojump_clock: MockClock) -> None:
    some = limits(RateLimitSettings(global_per_second=Rate(1, Period.SECOND)))
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for name in "abcdef":
            nursery.start_soon(some.wait, f"{name}.example")
    assert trio.current_time() - began == pytest.approx(5)


async def test_the_strictest_of_several_limits_holds(autojump_clock: MockClock) -> None:
    some = limits(
        RateLimitSettings(global_per_second=Rate(10, Period.SECOND), per_domain_per_second=Rate(5, Period.SECOND)),
        a=Rate(1, Period.SECOND),
    )
    assert await duration(some, "a.example", 4) == pytest.approx(3)


async def test_the_table_of_domains_has_a_bound(autojump_clock: MockClock) -> None:
    some = limits(RateLimitSettings(default=Rate(1, Period.SECOND), max_domains=3))
    for number in range(10):
        await some.wait(f"d{number}.example")
    assert list(some._by_domain) == ["d7.example", "d8.example", "d9.example"]
