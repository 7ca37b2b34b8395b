"""Recipients of one message in several domains that go to one next hop: one transaction, and what keeps them apart."""

from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import (
    DeliverySettings,
    DomainSettings,
    HostPort,
    Period,
    Rate,
    RateLimitSettings,
    RetryRuleSettings,
    RetrySettings,
)
from empath.mail import DeliveryEnded, Phase, Status
from empath.policy.approach import IpPreference
from empath.policy.encryption.tls import TlsPolicy
from empath.sim.remote import Fault, RemoteServer, Rule
from empath.smtp import Domain, Extensions, MailParams, Reply
from tests.delivery.stage import Stage, stage

SMART = HostPort(Domain.parse("mx.smart.example"))
RATE = Rate(600, Period.MINUTE)


def smart(own: DomainSettings | None = None, **more: Any) -> DeliverySettings:
    """All mail to one host; what is said of ``b.example`` besides."""
    domains = {Domain.parse("b.example"): own} if own else {}
    return evolve(DeliverySettings(smart_host=SMART, domains=domains), **more)


def recipients(server: RemoteServer) -> list[list[str]]:
    return [[str(one) for one in taken.recipients] for taken in server.taken]


async def sent(place: Stage, *to: str, params: MailParams | None = None) -> None:
    await place.put(*to, sender=None, params=params or MailParams())
    await trio.sleep(2)


async def test_recipients_in_several_domains_go_to_a_smart_host_in_one_transaction(autojump_clock: MockClock) -> None:
    async with stage(smart()) as place:
        server = await place.server("smart.example")
        await sent(place, "x@a.example", "x@b.example", "y@a.example", "x@c.example")
        assert recipients(server) == [["x@a.example", "x@b.example", "y@a.example", "x@c.example"]]
        assert place.outcomes() == ["Delivered"] * 4
        assert (await place.spool.statistics()).messages == 0


async def test_domains_with_the_same_override_go_together_and_others_their_own_way(autojump_clock: MockClock) -> None:
    override = DomainSettings(mx_override=SMART)
    domains = {Domain.parse(name): override for name in ("a.example", "b.example")}
    async with stage(DeliverySettings(domains=domains)) as place:
        server, other = await place.server("smart.example"), await place.server("c.example")
        await sent(place, "x@a.example", "x@c.example", "x@b.example")
        assert recipients(server) == [["x@a.example", "x@b.example"]]
        assert recipients(other) == [["x@c.example"]]


async def test_there_are_no_more_in_a_transaction_than_configured(autojump_clock: MockClock) -> None:
    async with stage(smart(max_recipients_per_transaction=2)) as place:
        server = await place.server("smart.example")
        await sent(place, *(f"x@{letter}.example" for letter in "abcde"))
        assert [len(one) for one in recipients(server)] == [2, 2, 1]
        assert server.connections == 1


@pytest.mark.parametrize(
    "own",
    [
        DomainSettings(rate_limit=RATE),
        DomainSettings(source=("192.0.2.1",)),
        DomainSettings(ip=IpPreference.V4),
        DomainSettings(require_tls=True),
        DomainSettings(accept_invalid_certs=True),
    ],
)
async def test_a_domain_for_which_something_else_holds_goes_by_itself(
    autojump_clock: MockClock, own: DomainSettings
) -> None:
    async with stage(smart(own)) as place:
        server = await place.server("smart.example")
        await sent(place, "x@a.example", "x@b.example", "x@c.example", "y@b.example")
        together = [one for one in recipients(server) if "x@a.example" in one]
        assert together == [["x@a.example", "x@c.example"]]
        apart = [one for one in recipients(server) if "x@a.example" not in one]
        assert apart == ([] if own.require_tls else [["x@b.example", "y@b.example"]])


async def test_domains_that_are_all_limited_go_by_themselves(autojump_clock: MockClock) -> None:
    async with stage(smart(rate_limits=RateLimitSettings(default=RATE))) as place:
        server = await place.server("smart.example")
        await sent(place, "x@a.example", "x@b.example")
        assert sorted(recipients(server)) == [["x@a.example"], ["x@b.example"]]


@pytest.mark.parametrize(("policy", "connections"), [(TlsPolicy.VERIFIED, 2), (TlsPolicy.DANE, 0)])
async def test_where_a_certificate_may_be_for_the_domain_each_domain_is_tried_by_itself(
    autojump_clock: MockClock, policy: TlsPolicy, connections: int
) -> None:
    own = DomainSettings(mx_override=SMART, tls_policy=policy)
    async with stage(DeliverySettings(domains={Domain.parse(f"{one}.example"): own for one in "ab"})) as place:
        server = await place.server("smart.example")
        await sent(place, "x@a.example", "x@b.example")
        assert (server.connections, place.outcomes()) == (connections, ["Deferred"] * 2)


async def test_a_message_that_requires_tls_is_not_shared_out(autojump_clock: MockClock) -> None:
    async with stage(smart()) as place:
        server = await place.server("smart.example")
        await sent(place, "x@a.example", "x@b.example", params=MailParams(requiretls=True))
        assert (server.taken, place.outcomes()) == ([], ["Deferred"] * 2)


@pytest.mark.parametrize(("limit", "taken"), [(1, [1, 1, 1]), (2, [3, 1])])
async def test_a_host_that_wants_few_domains_in_a_session_gets_few(
    autojump_clock: MockClock, limit: int, taken: list[int]
) -> None:
    async with stage(smart()) as place:
        offers = Extensions.of("PIPELINING", "8BITMIME", f"LIMITS RCPTDOMAINMAX={limit}")
        server = await place.server("smart.example", offers=offers)
        to = ("x@a.example", "x@b.example", "y@a.example", "x@c.example") if limit == 2 else ("x@a.example",)
        await sent(place, *to, *(() if limit == 2 else ("x@b.example", "x@c.example")))
        assert [len(one) for one in recipients(server)] == taken
        assert server.connections == len(taken)
        assert place.outcomes() == ["Delivered"] * sum(taken)


async def test_each_recipient_has_an_outcome_of_its_own_and_the_report_names_who_failed(
    autojump_clock: MockClock,
) -> None:
    rules = (
        Rule(phase=Phase.RCPT, address="*@b.example", reaction=Reply(550, "no such user", "5.1.1")),
        Rule(phase=Phase.RCPT, address="*@c.example", reaction=Reply(450, "not now", "4.2.1"), times=1),
    )
    async with stage(smart()) as place:
        server = await place.server("smart.example", *rules)
        await place.put("x@a.example", "x@b.example", "x@c.example")
        await trio.sleep(1)
        assert place.outcomes()[:3] == ["Delivered", "Bounced", "Deferred"]
        await trio.sleep(200)
        mail = [one for one in recipients(server) if one != ["a@client.example"]]
        assert mail == [["x@a.example"], ["x@c.example"]]
        (report,) = [one for one in server.taken if one.reverse_path is None]
        assert b"x@b.example" in report.content
        assert b"Final-Recipient: rfc822; x@a.example" not in report.content


async def test_those_that_are_too_many_go_in_a_further_transaction(autojump_clock: MockClock) -> None:
    rule = Rule(phase=Phase.RCPT, address="*@[bc].example", reaction=Reply(452, "too many", "4.5.3"), times=2)
    async with stage(smart()) as place:
        server = await place.server("smart.example", rule)
        await sent(place, "x@a.example", "x@b.example", "x@c.example")
        assert recipients(server) == [["x@a.example"], ["x@b.example", "x@c.example"]]


async def test_those_whom_nobody_has_judged_go_to_the_next_host(autojump_clock: MockClock) -> None:
    rules = (
        Rule(phase=Phase.RCPT, address="*@a.example", reaction=Reply(550, "no such user", "5.1.1")),
        Rule(phase=Phase.RCPT, address="*@b.example", reaction=Fault.CLOSE),
    )
    async with stage(smart()) as place:
        first = await place.server("smart.example", *rules, offers=Extensions.of("8BITMIME"))
        second = await place.server("second.example")
        for address in second.host.addresses:
            place.world.zones.add_host("mx.smart.example", *first.host.addresses, address)
        await sent(place, "x@a.example", "x@b.example", "x@c.example")
        assert recipients(second) == [["x@b.example", "x@c.example"]]
        assert sorted(place.outcomes()) == ["Bounced", "Delivered", "Delivered"]


async def test_one_whose_time_is_over_is_returned_and_does_not_go_along_with_the_others(
    autojump_clock: MockClock,
) -> None:
    rule = RetryRuleSettings(domains=(Domain.parse("b.example"),), max_age_s=60)
    settings = smart(retry=RetrySettings(rules=(rule,)), retry_base_delay_s=100, retry_jitter_factor=0)
    later = Rule(phase=Phase.MAIL, reaction=Reply(451, "later", "4.3.0"), times=1)
    async with stage(settings) as place:
        server = await place.server("smart.example", later)
        await sent(place, "x@a.example", "x@b.example", "x@c.example")
        await trio.sleep(200)
        assert recipients(server) == [["x@a.example", "x@c.example"]]
        assert sorted(fact.status.value for fact in place.said(DeliveryEnded)) == sorted(
            [Status.EXPIRED.value, Status.COMPLETED.value, Status.COMPLETED.value]
        )
