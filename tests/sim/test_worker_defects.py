"""Mistakes that are natural for a design like this one, and were made in its ancestor: each is shown not to be here."""

from email import message_from_bytes
from itertools import pairwise

import pytest
import trio

from empath.config.schema import DeliverySettings, DomainSettings, HostPort, Period, PoolSettings, Rate
from empath.mail import Delivered, Kind, Phase, Status
from empath.sim import Conditions, Reach
from empath.sim.remote import Fault, Rule
from empath.smtp import Domain, Extensions, Reply
from empath.world import MxRecord
from tests.sim.stage import (
    DAY_S,
    ENTRANCE,
    OWN_NAME,
    SENDER,
    Stage,
    config_with,
    local_parts,
    simulated,
)

NEVER = Reply(550, "never", "5.1.1")
LATER = Reply(451, "later", "4.2.0")
BUSY = Reply(421, "busy", "4.3.2")


@simulated
async def test_defect_1_each_domain_gets_its_own_recipients_and_no_others() -> None:
    stage = Stage()
    domains = [f"{name}.example" for name in ("red", "green", "blue")]
    servers = [stage.site(domain) for domain in domains]
    async with stage.play():
        await stage.send("one", *(f"{name}@{domain}" for domain in domains for name in ("a", "b")))
        await trio.sleep(1)
    for domain, server in zip(domains, servers, strict=True):
        (taken,) = server.taken
        assert [str(one) for one in taken.recipients] == [f"a@{domain}", f"b@{domain}"]
    assert stage.breaches() == []


@simulated
async def test_defect_2_one_refused_recipient_costs_the_others_nothing() -> None:
    stage = Stage()
    rules = (
        Rule(phase=Phase.RCPT, reaction=NEVER, address="nobody@*"),
        Rule(phase=Phase.RCPT, reaction=LATER, address="later@*", times=1),
    )
    server = stage.site("example.org", *rules)
    async with stage.play():
        await stage.send("one", "a@example.org", "nobody@example.org", "later@example.org", "b@example.org")
        await trio.sleep(600)
    assert local_parts(server.taken) == [[b"a", b"b"], [b"later"]]
    assert [fact.status for fact in stage.ended].count(Status.FAILED) == 1
    assert len(stage.reports) == 1
    assert stage.breaches() == []


@simulated
async def test_defect_3_a_permanent_failure_is_not_tried_again_and_is_reported_once() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=NEVER))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(6 * DAY_S)
    assert len(stage.attempts("example.org")) == 1
    assert len(stage.reports) == 1
    assert stage.breaches() == []


@simulated
async def test_defect_4_expiry_is_reported_when_the_time_is_over() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=LATER))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(5 * DAY_S - 1)
        (warning,) = stage.reports
        await trio.sleep(2)
    (_, report) = stage.reports
    assert b"Action: delayed" in warning.content
    assert [fact.status for fact in stage.ended if fact.diagnosis] == [Status.EXPIRED]
    assert b"Status: 4.2.0" in report.content or b"Status: 5.2.0" in report.content
    assert stage.breaches() == []


@simulated
async def test_nobody_is_told_of_the_failure_of_a_message_from_the_null_sender() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=NEVER))
    async with stage.play():
        await stage.send("one", "bob@example.org", sender="")
        await trio.sleep(60)
    assert [fact.status for fact in stage.ended] == [Status.FAILED]
    assert [fact.report for fact in stage.ended] == [None]
    assert stage.reports == []
    assert stage.breaches() == []


BAD_PHASES = (Phase.GREETING, Phase.HELLO, Phase.MAIL)


@pytest.mark.parametrize("reaction", [Fault.CLOSE, Fault.RESET, Fault.STALL, BUSY])
@pytest.mark.parametrize("phase", BAD_PHASES)
@simulated
async def test_defect_5_the_third_host_is_tried_when_two_fail(phase: Phase, reaction: Reply | Fault) -> None:
    stage = Stage()
    rule = Rule(phase=phase, reaction=reaction)
    stage.site("example.org", rule, hosts=3)
    stage.servers["mx2.example.org"].rules = [rule]
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(3600)
    assert len(stage.servers["mx3.example.org"].taken) == 1
    assert stage.breaches() == []


@pytest.mark.parametrize("reach", [Reach.REFUSED, Reach.UNREACHABLE, Reach.BLACKHOLE])
@simulated
async def test_defect_5_the_third_host_is_tried_when_two_cannot_be_reached(reach: Reach) -> None:
    stage = Stage()
    stage.site("example.org", hosts=3)
    for name in ("mx1.example.org", "mx2.example.org"):
        stage.simulation.network.conditions[stage.address_of(name)] = Conditions(reach=reach)
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(70)
    assert len(stage.servers["mx3.example.org"].taken) == 1
    assert len(stage.attempts("example.org")) == 1


@simulated
async def test_defect_5_retries_keep_to_the_backoff() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.GREETING, reaction=LATER), hosts=3)
    for number in (2, 3):
        stage.servers[f"mx{number}.example.org"].rules = [Rule(phase=Phase.GREETING, reaction=LATER)]
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(1000)
    moments = [fact.at for fact in stage.attempts("example.org")]
    waits = [later - earlier for earlier, later in pairwise(moments)]
    for wait, planned in zip(waits[:3], (60, 120, 240), strict=True):
        assert 0.8 * planned - 0.1 <= wait <= 1.2 * planned + 0.1


@simulated
async def test_defect_6_the_connection_limit_of_a_domain_is_obeyed() -> None:
    own = DomainSettings(max_connections=1)
    stage = Stage(config=config_with(DeliverySettings(domains={Domain.parse("example.org"): own})))
    server = stage.site("example.org")
    server.pause_s = 1.0
    async with stage.play():
        for number in range(10):
            await stage.send(f"m{number}", "bob@example.org")
        await trio.sleep(600)
    assert len(server.taken) == 10
    assert stage.watch.breaches(1) == []


@simulated
async def test_defect_6_the_connection_limit_of_a_domain_is_obeyed_behind_an_override_too() -> None:
    own = DomainSettings(max_connections=1, mx_override=HostPort(Domain.parse("mx1.example.org"), 25))
    stage = Stage(config=config_with(DeliverySettings(domains={Domain.parse("example.org"): own})))
    server = stage.site("example.org")
    server.pause_s = 1.0
    async with stage.play():
        for number in range(10):
            await stage.send(f"m{number}", "bob@example.org")
        await trio.sleep(600)
    assert len(server.taken) == 10
    assert stage.watch.breaches(1) == []


@simulated
async def test_a_domain_that_asks_for_tls_does_not_go_over_the_clear_connection_of_another() -> None:
    hop = HostPort(Domain.parse("mx1.gateway.example"), 25)
    domains = {Domain.parse("strict.example"): DomainSettings(require_tls=True)}
    stage = Stage(config=config_with(DeliverySettings(smart_host=hop, domains=domains)))
    server = stage.site("gateway.example")
    async with stage.play():
        await stage.send("one", "a@lax.example")
        await trio.sleep(1)
        await stage.send("two", "b@strict.example")
        await trio.sleep(3600)
    assert b"b" not in [part for parts in local_parts(server.taken) for part in parts]


@simulated
async def test_defect_7_limited_mail_leaves_at_its_moment_and_nothing_spins_meanwhile() -> None:
    own = DomainSettings(rate_limit=Rate(6, Period.HOUR))
    stage = Stage(config=config_with(DeliverySettings(domains={Domain.parse("example.org"): own})))
    server = stage.site("example.org")
    async with stage.play():
        for number in range(10):
            await stage.send(f"m{number}", "bob@example.org")
        started = trio.current_time()
        before = trio.lowlevel.current_statistics().tasks_living
        await trio.sleep(9 * 600 + 1)
        assert trio.lowlevel.current_statistics().tasks_living <= before + 2
    moments = [one.at - started for one in server.taken]
    assert moments == pytest.approx([600 * number for number in range(10)], abs=1)
    assert all(isinstance(fact.outcome, Delivered) for fact in stage.attempts("example.org"))


@simulated
async def test_a_half_open_breaker_does_not_spin_when_connections_are_not_kept() -> None:
    pool = PoolSettings(idle_timeout_s=0.0)
    stage = Stage(config=config_with(DeliverySettings(connection_pool=pool)))
    server = stage.site("example.org", Rule(phase=Phase.GREETING, reaction=Fault.CLOSE, until_s=30.0))
    server.pause_s = 1.0
    async with stage.play():
        for number in range(40):
            await stage.send(f"m{number}", "bob@example.org")
        await trio.sleep(3600)
    assert len(server.taken) == 40
    assert stage.breaches() == []


@simulated
async def test_defect_8_a_site_that_says_nothing_holds_nobody_else_up() -> None:
    stage = Stage()
    stage.site("slow.example", Rule(phase=Phase.GREETING, reaction=Fault.STALL))
    quick = stage.site("quick.example")
    async with stage.play():
        for number in range(50):
            await stage.send(f"s{number}", "bob@slow.example")
        started = trio.current_time()
        await stage.send("q", "bob@quick.example")
        await trio.sleep(1)
        assert [one.at - started < 1 for one in quick.taken] == [True]


@simulated
async def test_defect_9_we_introduce_ourselves_by_our_own_name() -> None:
    stage = Stage()
    server = stage.site("example.org", Rule(phase=Phase.RCPT, reaction=NEVER, address="nobody@*"))
    async with stage.play():
        await stage.send("one", "bob@example.org", "nobody@example.org")
        await trio.sleep(1)
    assert [one.hello for one in (*server.taken, *stage.reports)] == [OWN_NAME, OWN_NAME]


@simulated
async def test_defect_9_starttls_is_a_keyword_and_not_any_line_with_these_letters() -> None:
    stage = Stage()
    stage.server("mx1.example.org", site="example.org", offers=Extensions.of("XSTARTTLS", "XNOTE STARTTLS"))
    stage.simulation.zones.add_mx("example.org", "mx1.example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(1)
    assert len(stage.servers["mx1.example.org"].taken) == 1


@simulated
async def test_defect_10_octets_that_are_no_utf_8_arrive_as_they_are() -> None:
    stage = Stage()
    server = stage.site("example.org")
    body = bytes(octet for octet in range(1, 256) if octet not in b"\r\n") + b"\r\n.\r\n..\r\n"
    async with stage.play():
        await stage.send("one", "bob@example.org", body=body)
        await trio.sleep(1)
    assert server.taken[0].content.endswith(b"\r\n\r\n" + body)
    assert stage.breaches() == []


@simulated
async def test_defect_10_commands_behind_the_dot_are_commands() -> None:
    stage = Stage()
    server = stage.site("example.org")
    one = b"MAIL FROM:<a@senders.example>\r\nRCPT TO:<b@example.org>\r\n"
    async with stage.play(), await stage.client.host.connect(ENTRANCE) as stream:
        await stream.receive_some()
        await stream.send_all(b"EHLO client.example\r\n")
        await stream.receive_some()
        await stream.send_all(one + b"DATA\r\n")
        await trio.sleep(1)
        await stream.send_all(b"X-Token: first\r\n\r\nbody\r\n.\r\n" + one + b"DATA\r\n")
        await trio.sleep(1)
        await stream.send_all(b"X-Token: second\r\n\r\nbody\r\n.\r\nQUIT\r\n")
        await trio.sleep(1)
    assert sorted(taken.content.rpartition(b"X-Token: ")[2] for taken in server.taken) == [
        b"first\r\n\r\nbody\r\n",
        b"second\r\n\r\nbody\r\n",
    ]


@simulated
async def test_defect_10_a_report_with_dots_arrives_unharmed() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.END, reaction=NEVER))
    async with stage.play():
        await stage.send("one", "bob@example.org", body=b".\r\n..\r\n.x\r\n")
        await trio.sleep(1)
    (report,) = stage.reports
    assert report.content.endswith(b"--\r\n")
    assert b"\r\n.\r\n..\r\n.x\r\n" in report.content


@simulated
async def test_defect_11_every_message_gets_a_received_field() -> None:
    stage = Stage()
    server = stage.site("example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(1)
    received = message_from_bytes(server.taken[0].content)["Received"]
    assert received.startswith("from client.example ([192.0.2.200])")
    assert f"by {OWN_NAME}" in received
    assert stage.client.ledger[0].mid in received


@simulated
async def test_defect_11_a_message_that_goes_round_in_circles_is_refused() -> None:
    stage = Stage()
    stage.site("example.org")
    async with stage.play():
        reply = await stage.client.submit(
            "one", sender=SENDER, recipients=("bob@example.org",), headers=b"Received: by x\r\n" * 51
        )
    assert str(reply).startswith("554 5.4.6")


@simulated
async def test_defect_11_mail_that_dns_sends_back_to_us_fails_at_once() -> None:
    stage = Stage()
    stage.simulation.zones.add("example.org", "MX", MxRecord(10, OWN_NAME))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(1)
    assert [fact.diagnosis.kind for fact in stage.ended if fact.diagnosis] == [Kind.LOOP]
    assert stage.breaches() == []


@simulated
async def test_defect_11_strangers_reach_our_domains_only() -> None:
    stage = Stage()
    server = stage.site("open.example")
    stage.site("example.org")
    stranger = type(stage.client)(stage.simulation.network.host("203.0.113.9"), ENTRANCE)
    async with stage.play():
        reply = await stranger.submit("one", sender=SENDER, recipients=("bob@example.org",))
        assert str(reply).startswith("550 5.7.1")
        await stranger.submit("two", sender=SENDER, recipients=("bob@example.org", "bob@open.example"))
        await trio.sleep(1)
    assert [str(one) for one in server.taken[0].recipients] == ["bob@open.example"]
    assert len(stage.servers["mx1.example.org"].taken) == 0


@simulated
async def test_defect_11_a_null_mx_is_believed() -> None:
    stage = Stage()
    stage.simulation.zones.add("example.org", "MX", MxRecord(0, "."))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(1)
    assert [fact.diagnosis.kind for fact in stage.ended if fact.diagnosis] == [Kind.NULL_MX]
    assert len(stage.reports) == 1


@simulated
async def test_defect_11_a_report_names_only_those_who_failed() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=NEVER, address="nobody*"))
    async with stage.play():
        await stage.send("one", "bob@example.org", "nobody1@example.org", "nobody2@example.org")
        await trio.sleep(1)
    (report,) = stage.reports
    assert b"nobody1@example.org" in report.content
    assert b"nobody2@example.org" in report.content
    assert b"bob@example.org" not in report.content
