"""Recipients of one message that share a next hop, in a whole worker: who goes with whom, and what each comes to."""

import trio

from empath.config.schema import DeliverySettings, HostPort
from empath.mail import DeliveryAttempted, Phase, ReportMade, Status
from empath.mail.outcome import Bounced, Deferred, Delivered
from empath.sim.remote import RemoteServer, Rule
from empath.smtp import Domain, Reply
from tests.sim.stage import Stage, config_with, local_parts, simulated

SMART = HostPort(Domain.parse("mx1.smart.example"))
NEVER = Reply(550, "No such user", "5.1.1")
LATER = Reply(450, "later", "4.2.1")


def smart_stage(*rules: Rule, most: int = 100) -> tuple[Stage, RemoteServer]:
    """All mail to one host, reports included."""
    settings = DeliverySettings(smart_host=SMART, max_recipients_per_transaction=most, retry_jitter_factor=0)
    stage = Stage(config=config_with(settings))
    return stage, stage.site("smart.example", *rules)


def to(server: RemoteServer) -> list[list[str]]:
    """The recipients of each message in its turn, without those of reports."""
    return [[str(one) for one in taken.recipients] for taken in server.taken if taken.reverse_path is not None]


@simulated
async def test_those_who_go_together_have_outcomes_of_their_own_and_one_report() -> None:
    stage, server = smart_stage(
        Rule(phase=Phase.RCPT, address="bob*@*", reaction=NEVER),
        Rule(phase=Phase.RCPT, address="*@c.example", reaction=LATER, times=1),
    )
    async with stage.play():
        await stage.send("one", "ann@a.example", "bob@b.example", "eve@c.example", "bobby@d.example", "joe@d.example")
        await trio.sleep(600)
    assert to(server) == [["ann@a.example", "joe@d.example"], ["eve@c.example"]]
    attempts = [fact for fact in stage.facts if isinstance(fact, DeliveryAttempted)]
    first = {type(fact.outcome) for fact in attempts[:5]}
    assert first == {Delivered, Bounced, Deferred}
    (made,) = [fact for fact in stage.facts if isinstance(fact, ReportMade)]
    assert len(made.about) == 2
    (report,) = [taken for taken in server.taken if taken.reverse_path is None]
    assert report.content.count(b"\r\nAction: failed\r\n") == 2
    for somebody, named in (("bob@b", 1), ("bobby@d", 1), ("ann@a", 0), ("eve@c", 0), ("joe@d", 0)):
        assert report.content.count(f"Final-Recipient: rfc822; {somebody}.example".encode()) == named
    assert sorted(fact.status.value for fact in stage.ended) == [Status.COMPLETED.value] * 4 + [Status.FAILED.value] * 2
    assert stage.breaches() == []


@simulated
async def test_there_are_as_many_in_a_transaction_as_configured_and_all_over_one_connection() -> None:
    stage, server = smart_stage(most=3)
    async with stage.play():
        await stage.send("one", *(f"u{number}@{letter}.example" for letter in "abc" for number in range(3)))
        await trio.sleep(60)
    assert sorted(map(len, to(server))) == [3, 3, 3]
    everybody = [one for message in to(server) for one in message]
    assert sorted(everybody) == sorted(f"u{number}@{letter}.example" for letter in "abc" for number in range(3))
    assert stage.breaches() == []


@simulated
async def test_without_a_smart_host_each_domain_gets_its_own() -> None:
    stage = Stage()
    sites = [stage.site("example.org"), stage.site("example.net")]
    async with stage.play():
        await stage.send("one", "ann@example.org", "bob@example.net", "eve@example.org")
        await trio.sleep(60)
    assert [local_parts(site.taken) for site in sites] == [[[b"ann", b"eve"]], [[b"bob"]]]
    assert stage.breaches() == []
