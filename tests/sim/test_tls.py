"""TLS to next hops, in a whole worker: what is delivered, what waits, and that nobody on the way hears of it."""

from pathlib import Path

import pytest
import trio
from attrs import evolve

from empath.config.schema import DeliverySettings, DomainSettings, TlsSettings
from empath.mail import Phase
from empath.policy.encryption.tls import TlsPolicy
from empath.sim import simulate
from empath.sim.fetch import Silence
from empath.sim.invariants import privacy
from empath.sim.remote import Fault, Octets, RemoteServer, Rule
from empath.smtp import Domain, Reply, Verb
from empath.world import FetchResponse
from tests.delivery.shown import HOST, ca_file, server_side, tlsa
from tests.sim.stage import DAY_S, SENDER, Stage, config_with, simulated

MINUTE_S = 60.0
TEXT = {"content-type": "text/plain"}
RUBBISH = Rule(phase=Verb.HANDSHAKE, reaction=Octets(b"this is no TLS\r\n", then=Fault.CLOSE))
TROUBLES = {
    "refused": Rule(phase=Phase.STARTTLS, reaction=Reply(454, "not now", "4.7.0"), until_s=3600),
    "rubbish": evolve(RUBBISH, until_s=3600),
    "cut off": Rule(phase=Verb.HANDSHAKE, reaction=Fault.RESET, until_s=3600),
    "silent": Rule(phase=Verb.HANDSHAKE, reaction=Fault.STALL, until_s=3600),
}


def site(stage: Stage, domain: str, kind: str | None = "good", *rules: Rule) -> RemoteServer:
    """A domain with one mail host, and TLS with such a certificate."""
    server = stage.site(domain, *rules)
    server.tls = None if kind is None else server_side(kind)
    return server


def with_policy(policy: TlsPolicy, *domains: str, tls: TlsSettings | None = None) -> DeliverySettings:
    own = {Domain.parse(domain): DomainSettings(tls_policy=policy) for domain in domains}
    return DeliverySettings(domains=own, tls=tls or TlsSettings())


def overheard(stage: Stage, *secret: str) -> list[str]:
    return privacy((one for server in stage.servers.values() for one in server.overheard), secret=secret)


@simulated
async def test_mail_goes_inside_tls_wherever_it_is_offered_and_in_clear_elsewhere() -> None:
    stage = Stage()
    with_tls, without = site(stage, "example.org", "unknown"), site(stage, "example.net", None)
    async with stage.play():
        await stage.send("one", "bob@example.org", "eve@example.net")
        await trio.sleep(MINUTE_S)
    assert [one.encrypted for one in (*with_tls.taken, *without.taken)] == [True, False]
    assert overheard(stage, "example.org") == []
    assert len(overheard(stage, "example.net")) == 1
    assert stage.breaches() == []


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("policy", [TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED, TlsPolicy.DANE])
def test_broken_tls_costs_secrecy_or_time_as_the_policy_has_it(trouble: str, policy: TlsPolicy) -> None:
    async def play() -> None:
        stage = Stage(config=config_with(with_policy(policy, "example.org")))
        stage.simulation.zones.signed.update({"org", "example"})
        server = site(stage, "example.org", "good", TROUBLES[trouble])
        if policy is TlsPolicy.DANE:
            stage.simulation.zones.add("_25._tcp.mx1.example.org", "TLSA", tlsa("good"))
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(1800)
            early = [one.encrypted for one in server.taken]
            await trio.sleep(4 * 3600)
        assert early == ([False] if policy is TlsPolicy.OPPORTUNISTIC else [])
        assert [one.encrypted for one in server.taken] == [policy is not TlsPolicy.OPPORTUNISTIC]
        assert bool(overheard(stage, "example.org")) is (policy is TlsPolicy.OPPORTUNISTIC)
        assert stage.breaches() == []

    simulate(play, seed=1)


@simulated
async def test_one_connection_carries_many_messages_inside_tls() -> None:
    stage = Stage()
    server = site(stage, "example.org")
    async with stage.play():
        for number in range(5):
            await stage.send(f"m{number}", "bob@example.org")
            await trio.sleep(1)
    assert [one.encrypted for one in server.taken] == [True] * 5
    assert server.connections == 1
    assert stage.breaches() == []


def announce(stage: Stage, edition: str) -> None:
    stage.simulation.zones.add("_mta-sts.example.org", "TXT", f"v=STSv1; id={edition};".encode())


def put(stage: Stage, page: FetchResponse | Silence) -> None:
    stage.simulation.fetch.pages["https://mta-sts.example.org/.well-known/mta-sts.txt"] = page


def policy(mode: str, *hosts: str, max_age_s: int = 10 * 86_400) -> FetchResponse:
    listed = "".join(f"mx: {host}\n" for host in hosts or (HOST,))
    return FetchResponse(200, TEXT, f"version: STSv1\nmode: {mode}\n{listed}max_age: {max_age_s}\n".encode())


def sts_stage(directory: Path, kind: str | None, *, refresh_s: float = 3600.0) -> tuple[Stage, RemoteServer]:
    """A domain with a policy, in the mode ``enforce``, and a host that shows such a certificate."""
    tls = TlsSettings(ca_file=ca_file(directory), mta_sts_refresh_s=refresh_s)
    stage = Stage(config=config_with(DeliverySettings(tls=tls, retry_max_delay_s=600.0)))
    announce(stage, "1")
    put(stage, policy("enforce"))
    stage.simulation.zones.add_mx("example.org", HOST)
    server = stage.server(HOST, site="example.org")
    server.tls = None if kind is None else server_side(kind)
    return stage, server


def test_an_enforced_policy_is_no_obstacle_to_a_host_that_keeps_it(tmp_path: Path) -> None:
    async def play() -> None:
        stage, server = sts_stage(tmp_path, "good")
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(MINUTE_S)
        assert [one.encrypted for one in server.taken] == [True]
        assert stage.breaches() == []

    simulate(play, seed=1)


@pytest.mark.parametrize("kind", ["wrong name", "unknown", "expired", None])
def test_an_enforced_policy_keeps_mail_from_a_host_that_cannot_prove_who_it_is(
    tmp_path: Path, kind: str | None
) -> None:
    async def play() -> None:
        stage, server = sts_stage(tmp_path, kind)
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(3600)
            assert server.taken == []
            assert overheard(stage, "example.org") == []
            put(stage, policy("testing"))
            announce(stage, "2")
            await trio.sleep(3600)
        assert [one.encrypted for one in server.taken] == [kind is not None]
        assert stage.breaches() == []

    simulate(play, seed=1)


def test_an_enforced_policy_keeps_mail_from_a_host_that_it_does_not_list(tmp_path: Path) -> None:
    async def play() -> None:
        stage, server = sts_stage(tmp_path, "good")
        put(stage, policy("enforce", "*.elsewhere.example"))
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(3600)
            assert server.connections == 0
            put(stage, policy("enforce", "*.example.org"))
            announce(stage, "2")
            await trio.sleep(3600)
        assert [one.encrypted for one in server.taken] == [True]
        assert overheard(stage, "example.org") == []
        assert stage.breaches() == []

    simulate(play, seed=1)


NO = b"TLS-Required: No\r\n"


async def submit(stage: Stage, token: str, headers: bytes = NO) -> None:
    reply = await stage.client.submit(token, sender=SENDER, recipients=("bob@example.org",), headers=headers)
    assert reply.positive


@pytest.mark.parametrize("kind", ["unknown", None])
@pytest.mark.parametrize("heeded", [True, False])
def test_who_says_that_tls_is_not_required_is_not_bound_by_what_the_domain_has_published(
    tmp_path: Path, kind: str | None, *, heeded: bool
) -> None:
    """RFC 8689 3. Another message to the same host waits, even if there is a connection that it could go over."""

    async def play() -> None:
        stage, server = sts_stage(tmp_path, kind)
        tls = evolve(stage.config.delivery.tls, tls_required_header=heeded)
        stage.config = evolve(stage.config, delivery=evolve(stage.config.delivery, tls=tls))
        async with stage.play():
            await submit(stage, "one")
            await trio.sleep(MINUTE_S)
            await submit(stage, "two", b"")
            await trio.sleep(MINUTE_S)
            assert [one.encrypted for one in server.taken] == ([kind is not None] if heeded else [])
            assert all(NO in one.content for one in server.taken)
            put(stage, policy("testing"))
            announce(stage, "2")
            await trio.sleep(3600)
        assert len(server.taken) == 2
        assert stage.breaches() == []

    simulate(play, seed=1)


@simulated
async def test_what_is_configured_holds_for_who_says_that_tls_is_not_required() -> None:
    stage = Stage(config=config_with(with_policy(TlsPolicy.REQUIRED, "example.org")))
    server = site(stage, "example.org", None)
    async with stage.play():
        await submit(stage, "one")
        await trio.sleep(3600)
        assert server.taken == []
        server.tls = server_side("unknown")
        await trio.sleep(4 * 3600)
    assert [one.encrypted for one in server.taken] == [True]
    assert stage.breaches() == []


def test_a_policy_is_kept_over_restarts_refreshed_beside_all_mail_and_over_when_its_time_is(tmp_path: Path) -> None:
    async def play() -> None:
        stage, server = sts_stage(tmp_path, "unknown")
        async with stage.internet() as internet:
            run = await stage.start(internet)
            await stage.send("one", "bob@example.org")
            await trio.sleep(3600)
            run.stop()
            await run.over.wait()
            # The web server has a policy that is good for longer, and the daemon looks for it without any mail.
            put(stage, policy("enforce", max_age_s=5 * 86_400))
            run = await stage.start(internet)
            await trio.sleep(2 * DAY_S)
            put(stage, Silence())
            await trio.sleep(4 * DAY_S)
            assert server.taken == []
            assert overheard(stage, "example.org") == []
            await trio.sleep(2 * DAY_S)
            await stage.send("two", "bob@example.org")
            await trio.sleep(3600)
            assert [one.encrypted for one in server.taken] == [True]  # the certificate is none of anybody's business
            run.stop()
            await run.over.wait()
        assert stage.breaches() == []

    simulate(play, seed=1)


@pytest.mark.parametrize(("refresh_s", "arrived"), [(3600.0, 1), (10 * DAY_S, 0)])
def test_policies_are_looked_after_as_often_as_mta_sts_refresh_says(
    tmp_path: Path, refresh_s: float, arrived: int
) -> None:
    async def play() -> None:
        stage, server = sts_stage(tmp_path, "unknown", refresh_s=refresh_s)
        async with stage.play():
            await stage.send("one", "bob@example.org")
            await trio.sleep(60)
            put(stage, policy("testing"))  # and the id stays as it was
            await trio.sleep(DAY_S + 2 * 3600)
            assert server.taken == []
            await stage.send("two", "bob@example.org")
            await trio.sleep(60)
            assert len(server.taken) == arrived

    simulate(play, seed=1)
