"""Reports on TLS from a whole worker, over days: counted right, sent once, whatever happens to the worker."""

import gzip
import json
from collections.abc import Mapping
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from empath.config.schema import DeliverySettings, TlsReportSettings, TlsSettings
from empath.mail import Phase
from empath.sim import simulate
from empath.sim.disk import Trouble
from empath.sim.fetch import Posted, Silence
from empath.sim.invariants import is_tls_report
from empath.sim.remote import Octets, RemoteServer, Rule, Taken
from empath.sim.vfs import SimulatedVfs
from empath.smtp import Address, Reply, Verb
from empath.world import FetchResponse
from tests.delivery.shown import HOST, ca_file, server_side, tlsa
from tests.sim.stage import DAY_S, SENDERS, Stage, config_with, simulated, sqlite_on

HOUR_S = 3600.0
BEFORE_S = 100.0
"""How long before midnight some of these tests begin."""
INBOX = "reports.example"
WEB = "https://tls.example/v1"
CONTACT = Address.parse("postmaster@empath.example")


def reporting(directory: Path | None = None, **settings: Any) -> Stage:
    """A worker that reports, and a domain where reports arrive. Any: keys have values of many types."""
    report = TlsReportSettings(contact=CONTACT, **{"max_delay_s": 600.0, **settings})
    tls = TlsSettings(report=report, ca_file=None if directory is None else ca_file(directory))
    stage = Stage(config=config_with(DeliverySettings(tls=tls, max_messages_per_connection=1)))
    stage.site(INBOX)
    return stage


def ask(stage: Stage, domain: str, *uris: str) -> None:
    """Let a domain ask for reports."""
    text = "v=TLSRPTv1; rua=" + ",".join(uris or (f"mailto:tls@{INBOX}",))
    stage.simulation.zones.add(f"_smtp._tls.{domain}", "TXT", text.encode())


def mail_of(stage: Stage) -> list[Taken]:
    """The messages with reports that have arrived."""
    return [one for one in stage.taken if is_tls_report(one.content)]


def unpacked(one: Taken | Posted) -> Mapping[str, Any]:
    """A report as it is read by who gets it. Any: it is JSON."""
    packed = one.body if isinstance(one, Posted) else b""
    if isinstance(one, Taken):
        _, attached = message_from_bytes(one.content, policy=default).iter_parts()
        packed = attached.get_content()
    read: Mapping[str, Any] = json.loads(gzip.decompress(packed))
    return read


def counts(report: Mapping[str, Any]) -> dict[str, tuple[int, int, dict[str, int]]]:
    """By kind of policy: successes, failures, and how often what has failed."""
    return {
        one["policy"]["policy-type"]: (
            one["summary"]["total-successful-session-count"],
            one["summary"]["total-failure-session-count"],
            {detail["result-type"]: detail["failed-session-count"] for detail in one.get("failure-details", ())},
        )
        for one in report["policies"]
    }


@simulated
async def test_a_domain_that_asks_hears_once_a_day_and_one_that_does_not_hears_nothing() -> None:
    stage = reporting()
    stage.site("example.org").tls = server_side("unknown")
    stage.site("example.net").tls = server_side("unknown")
    ask(stage, "example.org")
    async with stage.play():
        for number in range(3):
            await stage.send(f"m{number}", "bob@example.org", "eve@example.net")
            await trio.sleep(60)
        await trio.sleep(3 * DAY_S)
    (one,) = mail_of(stage)
    assert one.reverse_path is None
    assert counts(unpacked(one)) == {"no-policy-found": (3, 0, {})}
    assert unpacked(one)["policies"][0]["policy"]["policy-domain"] == "example.org"
    assert stage.breaches() == []


@simulated
async def test_what_goes_wrong_is_told_with_host_addresses_and_reason() -> None:
    stage = reporting()
    stage.site("example.org")
    broken = stage.site("example.net", Rule(phase=Verb.HANDSHAKE, reaction=Octets(b"rubbish\r\n")))
    broken.tls = server_side("good")
    refusing = stage.site("example.com", Rule(phase=Phase.STARTTLS, reaction=Reply(454, "not now", "4.7.0")))
    refusing.tls = server_side("good")
    for domain in ("example.org", "example.net", "example.com"):
        ask(stage, domain)
    async with stage.play():
        await stage.send("one", "bob@example.org", "eve@example.net", "joe@example.com")
        await trio.sleep(2 * DAY_S)
    told = {report["policies"][0]["policy"]["policy-domain"]: report for report in map(unpacked, mail_of(stage))}
    assert counts(told["example.org"]) == {"no-policy-found": (0, 1, {"starttls-not-supported": 1})}
    assert counts(told["example.net"]) == {"no-policy-found": (0, 1, {"validation-failure": 1})}
    (detail,) = told["example.net"]["policies"][0]["failure-details"]
    assert detail["receiving-mx-hostname"] == "mx1.example.net"
    assert detail["receiving-ip"] == stage.address_of("mx1.example.net")
    assert detail["sending-mta-ip"] == "192.0.2.1"
    assert detail["failure-reason-code"] == "WRONG_VERSION_NUMBER"
    assert counts(told["example.com"]) == {"no-policy-found": (0, 1, {"starttls-not-supported": 1})}
    assert stage.breaches() == []


@simulated
async def test_with_tlsa_records_they_are_the_policy_and_a_report_arrives_though_nobody_keeps_it() -> None:
    stage = reporting()
    zones = stage.simulation.zones
    zones.signed.add("org")
    stage.site("example.org").tls = server_side("good")
    zones.add("_25._tcp.mx1.example.org", "TLSA", tlsa("unknown"))
    ask(stage, "example.org", "mailto:tls@example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(2 * DAY_S)
    assert [is_tls_report(one.content) for one in stage.servers["mx1.example.org"].taken] == [True]
    (one,) = mail_of(stage)
    assert one.encrypted  # as well as it goes
    report = unpacked(one)
    successes, failures, results = counts(report)["tlsa"]
    assert (successes, set(results)) == (0, {"validation-failure"})
    assert failures == results["validation-failure"] > 1
    (policy,) = [one["policy"] for one in report["policies"]]
    record = tlsa("unknown")
    assert policy["policy-string"] == [f"3 1 1 {record.data.hex()}"]
    # The second day has more failures of the first message, and the report that went through: that is not counted.
    assert stage.breaches() == []


def sts_site(stage: Stage, kind: str, mode: str, *, listed: str = HOST) -> RemoteServer:
    """A domain with an MTA-STS policy, whose host shows such a certificate."""
    server = stage.server(HOST, site="example.org")
    server.tls = server_side(kind)
    stage.simulation.zones.add_mx("example.org", HOST)
    stage.simulation.zones.add("_mta-sts.example.org", "TXT", b"v=STSv1; id=1;")
    text = f"version: STSv1\nmode: {mode}\nmx: {listed}\nmax_age: 604800\n".encode()
    page = FetchResponse(200, {"content-type": "text/plain"}, text)
    stage.simulation.fetch.pages["https://mta-sts.example.org/.well-known/mta-sts.txt"] = page
    ask(stage, "example.org")
    return server


@pytest.mark.parametrize(
    ("kind", "listed", "result"),
    [
        ("good", HOST, None),
        ("unknown", HOST, "certificate-not-trusted"),
        ("expired", HOST, "certificate-expired"),
        ("wrong name", HOST, "certificate-host-mismatch"),
        ("good", "mx.elsewhere.example", "validation-failure"),
    ],
)
@pytest.mark.parametrize("mode", ["testing", "enforce"])
def test_a_policy_in_testing_is_tried_out_and_told_of_like_one_that_is_enforced(
    tmp_path: Path, kind: str, listed: str, result: str | None, mode: str
) -> None:
    async def play() -> None:
        stage = reporting(tmp_path)
        server = sts_site(stage, kind, mode, listed=listed)
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(60)
            arrived = len(server.taken)
            await trio.sleep(2 * DAY_S)
        assert arrived == (1 if mode == "testing" or result is None else 0)
        report = unpacked(mail_of(stage)[0])
        successes, failures, results = counts(report)["sts"]
        if result is None:
            assert (successes, failures, results) == (1, 0, {})
        else:
            assert successes == 0
            assert results == {result: failures}
        if mode == "testing":
            assert successes + failures == 1
        policy = report["policies"][0]["policy"]
        assert policy["policy-string"] == ["version: STSv1", f"mode: {mode}", f"mx: {listed}", "max_age: 604800"]
        assert policy["mx-host"] == [listed]

    simulate(play, seed=1)


@simulated
async def test_a_policy_that_cannot_be_fetched_is_told_of() -> None:
    stage = reporting()
    sts_site(stage, "good", "enforce")
    stage.simulation.fetch.pages.clear()
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(2 * DAY_S)
    assert counts(unpacked(mail_of(stage)[0])) == {"sts": (0, 1, {"sts-policy-fetch-error": 1})}


@simulated
async def test_web_servers_get_it_by_post_and_again_until_they_take_it() -> None:
    stage = reporting()
    stage.site("example.org").tls = server_side("unknown")
    ask(stage, "example.org", WEB, f"mailto:tls@{INBOX}")
    pages, posted = stage.simulation.fetch.pages, stage.simulation.fetch.posted
    pages[WEB] = FetchResponse(503, {}, b"")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(DAY_S + 3 * HOUR_S)
        assert 2 <= len(posted) <= 4  # delivery.tls.report.retry is an hour
        pages[WEB] = FetchResponse(201, {}, b"")
        await trio.sleep(2 * HOUR_S)
        count = len(posted)
        await trio.sleep(DAY_S)
    assert len(posted) == count
    assert {one.url for one in posted} == {WEB}
    assert posted[0].headers == {"content-type": "application/tlsrpt+gzip"}
    assert counts(unpacked(posted[-1])) == {"no-policy-found": (1, 0, {})}
    assert len(mail_of(stage)) == 1


@simulated
async def test_a_web_server_that_never_takes_it_is_left_after_a_day() -> None:
    stage = reporting()
    stage.site("example.org").tls = server_side("unknown")
    ask(stage, "example.org", WEB)
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(3 * DAY_S)
        count = len(stage.simulation.fetch.posted)
        await trio.sleep(2 * DAY_S)
    assert 20 <= count <= 27
    assert len(stage.simulation.fetch.posted) == count
    assert await stage.simulation.world.disk.list(stage.config.spool_path / "tls-reports" / "outbox") == ()


@simulated
async def test_dns_that_cannot_tell_is_asked_again() -> None:
    stage = reporting()
    stage.site("example.org").tls = server_side("unknown")
    ask(stage, "example.org")
    stage.simulation.zones.failing.add("_smtp._tls.example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(DAY_S + 3 * HOUR_S)
        assert mail_of(stage) == []
        stage.simulation.zones.failing.clear()
        await trio.sleep(DAY_S)
    assert len(mail_of(stage)) == 1


@simulated
async def test_without_a_contact_nobody_is_told_and_nothing_is_kept() -> None:
    stage = Stage()
    stage.site(INBOX)
    stage.site("example.org").tls = server_side("unknown")
    ask(stage, "example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(2 * DAY_S)
    assert mail_of(stage) == []
    assert "tls-reports" not in await stage.simulation.world.disk.list(stage.config.spool_path)


@simulated
async def test_a_restart_loses_nothing_of_the_count() -> None:
    stage = reporting()
    stage.site("example.org").tls = server_side("unknown")
    ask(stage, "example.org")
    async with stage.internet() as internet:
        for number in range(4):
            run = await stage.start(internet)
            await stage.send(f"m{number}", "bob@example.org")
            await trio.sleep(10)  # less than save_interval
            run.stop()
            await run.over.wait()
        run = await stage.start(internet)
        await trio.sleep(2 * DAY_S)
        run.stop()
        await run.over.wait()
    (one,) = mail_of(stage)
    assert counts(unpacked(one)) == {"no-policy-found": (4, 0, {})}
    assert stage.breaches() == []


async def lives(at: int | None, *, survivors: bool) -> tuple[int, int]:
    """Two lives. The first loses power with the call of the disk number ``at`` after midnight, or some time later.

    Return how many reports were made that arrived, and how many calls there were. A report may arrive again after a
    loss of power as any message may (RFC 1047), and has the same Message-ID then.
    """
    stage = reporting(max_delay_s=60.0)
    stage.site("example.org").tls = server_side("unknown")
    ask(stage, "example.org")
    files = stage.simulation.files
    stage.simulation.clock.step(DAY_S - 100)
    await stage.simulation.world.disk.make_directory(stage.config.queue_path)
    with closing(SimulatedVfs(files)) as vfs:
        stage.open_store = sqlite_on(vfs)
        async with stage.internet() as internet:
            async with trio.open_nursery() as nursery:
                await stage.start(nursery)
                await stage.send("one", "bob@example.org")
                await trio.sleep(99)
                before = len(files.history)
                if at is not None:
                    files.plan(Trouble.POWER_OFF, at=at)
                for _ in range(300):
                    if at is not None and len(files.history) - before >= at:
                        break
                    await trio.sleep(1)
                calls = len(files.history) - before
                stage.simulation.crash(survivors=survivors)
                nursery.cancel_scope.cancel()
            run = await stage.start(internet)
            await trio.sleep(600)
            run.stop()
            await run.over.wait()
    return len({str(message_from_bytes(one.content)["Message-ID"]) for one in mail_of(stage)}), calls


@pytest.mark.parametrize("survivors", [False, True], ids=["all-forgotten", "part-forgotten"])
def test_wherever_power_is_lost_no_report_goes_out_twice(*, survivors: bool) -> None:
    arrived, calls = simulate(partial(lives, None, survivors=False), seed=1)
    assert arrived == 1
    assert calls > 20
    cuts = range(1, calls + 1, 2)
    found = [simulate(partial(lives, at, survivors=survivors), seed=at)[0] for at in cuts]
    assert set(found) <= {0, 1}
    # One is lost only between its mark and its place in the spool.
    assert found.count(0) <= len(cuts) // 4


def test_reports_go_from_whom_the_contact_says() -> None:
    async def play() -> None:
        stage = reporting()
        stage.site("example.org").tls = server_side("unknown")
        ask(stage, "example.org")
        async with stage.play():
            await stage.send("one", "bob@example.org", sender=f"alice@{SENDERS}")
            await trio.sleep(2 * DAY_S)
        head = message_from_bytes(mail_of(stage)[0].content)
        assert head["From"] == f"<{CONTACT}>"
        assert head["TLS-Report-Submitter"] == "empath.example"
        assert unpacked(mail_of(stage)[0])["contact-info"] == str(CONTACT)

    simulate(play, seed=1)


def one_site(kind: str = "unknown", **settings: Any) -> Stage:
    """A domain that has TLS and asks for reports, shortly before midnight. Any: keys have values of many types."""
    stage = reporting(**settings)
    stage.simulation.clock.step(DAY_S - BEFORE_S)
    stage.site("example.org").tls = server_side(kind)
    ask(stage, "example.org")
    return stage


def test_a_report_goes_out_within_max_delay_after_midnight() -> None:
    async def moment(seed: int, max_delay_s: float) -> float:
        stage = one_site(max_delay_s=max_delay_s, save_interval_s=10.0)
        async with stage.play():
            for _ in range(seed):
                stage.simulation.entropy.rng.random()
            await stage.send("one", "bob@example.org")
            await trio.sleep(2 * HOUR_S)
        (one,) = mail_of(stage)
        return one.at - BEFORE_S

    moments = [simulate(partial(moment, seed, 3600.0), seed=1) for seed in range(4)]
    assert all(0 < one < 3620 for one in moments)
    assert max(moments) - min(moments) > 60
    assert 0 <= simulate(partial(moment, 1, 0.0), seed=1) < 30


@pytest.mark.parametrize(("save_interval_s", "known"), [(10.0, 1), (600.0, 0)])
def test_a_crash_costs_what_was_counted_since_the_last_save(save_interval_s: float, known: int) -> None:
    async def play() -> None:
        stage = one_site(save_interval_s=save_interval_s)
        async with stage.internet() as internet:
            async with trio.open_nursery() as nursery:
                await stage.start(nursery)
                await stage.send("one", "bob@example.org")
                await trio.sleep(60)
                stage.simulation.crash()
                nursery.cancel_scope.cancel()
            run = await stage.start(internet)
            await trio.sleep(HOUR_S)
            run.stop()
            await run.over.wait()
        assert len(mail_of(stage)) == known

    simulate(play, seed=1)


@pytest.mark.parametrize(("max_results", "told"), [(1, 1), (10, 2)])
def test_no_more_is_counted_apart_than_max_results_says(max_results: int, told: int) -> None:
    async def play() -> None:
        stage = one_site(max_results=max_results)
        stage.site("example.net").tls = server_side("unknown")
        ask(stage, "example.net")
        async with stage.play():
            await stage.send("one", "bob@example.org", "eve@example.net")
            await trio.sleep(HOUR_S)
        assert len(mail_of(stage)) == told

    simulate(play, seed=1)


@pytest.mark.parametrize(("settings", "asked"), [({"retry_s": 7200.0}, 3), ({"timeout_s": 5000.0, "retry_s": 1.0}, 4)])
def test_a_web_server_has_its_time_and_a_pause(settings: dict[str, Any], asked: int) -> None:
    async def play() -> None:
        stage = one_site(max_delay_s=0.0, **settings)
        ask(stage, "example.org", WEB)
        stage.simulation.fetch.pages[WEB] = Silence()
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(5 * HOUR_S)
        assert len(stage.simulation.fetch.posted) == asked

    simulate(play, seed=1)


@simulated
async def test_a_damaged_file_costs_what_it_holds_and_nothing_else() -> None:
    stage = one_site()
    disk, directory = stage.simulation.world.disk, stage.config.spool_path / "tls-reports"
    for path in (directory / "20000.json", directory / "outbox" / "x.json"):
        await disk.make_directory(path.parent)
        await disk.write(path, [b'{"domain'])
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(HOUR_S)
    assert len(mail_of(stage)) == 1
    assert await disk.list(directory / "outbox") == ()


@pytest.mark.parametrize("trouble", [Trouble.IO_ERROR, Trouble.NO_SPACE])
def test_a_disk_that_fails_costs_no_mail_and_no_report(trouble: Trouble) -> None:
    async def play(at: int) -> int:
        stage = one_site()
        async with stage.play():
            await stage.send("one", "bob@example.org")
            stage.simulation.files.plan(trouble, at=at)
            await trio.sleep(HOUR_S)
        assert len(stage.servers["mx1.example.org"].taken) == 1
        return len(mail_of(stage))

    assert [simulate(partial(play, at), seed=1) for at in range(1, 40, 3)] == [1] * 13
