"""Mail to hosts with TLS, as the keys of the configuration have it: from the queue to what the host was told."""

import logging
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, DomainSettings, TlsOverrideSettings, TlsSettings
from empath.policy.encryption.tls import TlsPolicy
from empath.sim import SimulatedWorld
from empath.smtp import Domain
from empath.smtp.params import MailParams
from empath.world import FetchResponse, TcpEndpoint
from tests.delivery.shown import HOST, ca_file, server_side, tlsa
from tests.delivery.stage import Stage, stage
from tests.delivery.tls_hosts import TlsHost, serving

ADDRESS = "198.51.100.9"
EXAMPLE = Domain.parse("example.org")
POLICY = f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 604800\n".encode()
FETCHED = "https://mta-sts.example.org/.well-known/mta-sts.txt"


def world() -> SimulatedWorld:
    """One in which ``example.org`` is signed, and has one mail host."""
    made = SimulatedWorld(1)
    made.zones.signed.add("org")
    made.zones.add_mx("example.org", HOST)
    made.zones.add_host(HOST, ADDRESS)
    return made


def publish_sts(made: SimulatedWorld) -> None:
    made.zones.add("_mta-sts.example.org", "TXT", b"v=STSv1; id=1;")
    made.fetch.pages[FETCHED] = FetchResponse(200, {"content-type": "text/plain"}, POLICY)


def sending(tls: TlsSettings) -> DeliverySettings:
    return DeliverySettings(tls=tls)


async def outcomes(
    host: TlsHost,
    settings: DeliverySettings,
    *,
    within: SimulatedWorld | None = None,
    params: MailParams | None = None,
    messages: int = 1,
) -> list[str]:
    """What becomes of messages for ``example.org`` whose mail this host takes, at their first attempt."""
    made = within or world()
    listener = await made.network.host(ADDRESS).listen(TcpEndpoint(ADDRESS, 25))
    async with serving(host, listener), stage(settings, world=made) as place:
        for _ in range(messages):
            await put(place, params)
            await trio.sleep(10)
        return place.outcomes()


async def put(place: Stage, params: MailParams | None) -> None:
    if params is None:
        await place.put("b@example.org", sender=None)
    else:
        await place.put("b@example.org", sender=None, params=params)


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        (sending(TlsSettings()), "Delivered"),
        (sending(TlsSettings(default_policy=TlsPolicy.REQUIRED)), "Delivered"),
        (sending(TlsSettings(default_policy=TlsPolicy.VERIFIED)), "Deferred"),
        (
            DeliverySettings(
                tls=TlsSettings(domain_overrides=(TlsOverrideSettings(domains=(EXAMPLE,), policy=TlsPolicy.VERIFIED),))
            ),
            "Deferred",
        ),
        (DeliverySettings(domains={EXAMPLE: DomainSettings(tls_policy=TlsPolicy.VERIFIED)}), "Deferred"),
        (
            evolve(sending(TlsSettings(default_policy=TlsPolicy.VERIFIED)), accept_invalid_certs=True),
            "Delivered",
        ),
        (
            evolve(
                sending(TlsSettings(default_policy=TlsPolicy.VERIFIED)),
                accept_invalid_certs=True,
                domains={EXAMPLE: DomainSettings(accept_invalid_certs=False)},
            ),
            "Deferred",
        ),
    ],
)
async def test_a_host_of_an_unknown_authority_gets_mail_as_the_policy_has_it(
    autojump_clock: MockClock, settings: DeliverySettings, outcome: str
) -> None:
    host = TlsHost(server_side("unknown"))
    assert await outcomes(host, settings) == [outcome]
    assert host.heard_of_the_envelope == []
    assert any(command.startswith("MAIL") for command in host.encrypted) is (outcome == "Delivered")


async def test_ca_file_names_an_authority_to_trust(autojump_clock: MockClock, tmp_path: Path) -> None:
    verified = sending(TlsSettings(default_policy=TlsPolicy.VERIFIED, ca_file=ca_file(tmp_path)))
    assert await outcomes(TlsHost(server_side("intermediate")), verified) == ["Delivered"]
    assert await outcomes(TlsHost(server_side("wrong name")), verified) == ["Deferred"]


@pytest.mark.parametrize(("dane", "outcome"), [(True, "Deferred"), (False, "Delivered")])
async def test_dane_says_whether_records_are_obeyed(autojump_clock: MockClock, dane: bool, outcome: str) -> None:
    made = world()
    made.zones.add(f"_25._tcp.{HOST}", "TLSA", tlsa("good"))
    assert await outcomes(TlsHost(server_side("unknown")), sending(TlsSettings(dane=dane)), within=made) == [outcome]


async def test_what_matches_the_records_is_delivered_to(autojump_clock: MockClock) -> None:
    made = world()
    made.zones.add(f"_25._tcp.{HOST}", "TLSA", tlsa("expired"))
    settings = sending(TlsSettings(default_policy=TlsPolicy.DANE))
    assert await outcomes(TlsHost(server_side("expired")), settings, within=made) == ["Delivered"]


@pytest.mark.parametrize(("mta_sts", "outcome"), [(True, "Deferred"), (False, "Delivered")])
async def test_mta_sts_says_whether_policies_are_obeyed(autojump_clock: MockClock, mta_sts: bool, outcome: str) -> None:
    made = world()
    publish_sts(made)
    assert await outcomes(TlsHost(server_side("unknown")), sending(TlsSettings(mta_sts=mta_sts)), within=made) == [
        outcome
    ]


async def test_a_policy_larger_than_mta_sts_max_size_is_none(autojump_clock: MockClock) -> None:
    made = world()
    publish_sts(made)
    settings = sending(TlsSettings(mta_sts_max_size_bytes=len(POLICY) - 1))
    assert await outcomes(TlsHost(server_side("unknown")), settings, within=made) == ["Delivered"]


async def test_after_a_failed_fetch_the_next_begins_after_mta_sts_retry(autojump_clock: MockClock) -> None:
    for retry_s, found in ((5.0, ["Delivered", "Deferred"]), (3600.0, ["Delivered", "Delivered"])):
        made = world()
        made.zones.add("_mta-sts.example.org", "TXT", b"v=STSv1; id=1;")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def appear(made: SimulatedWorld = made) -> None:
                await trio.sleep(8)
                publish_sts(made)

            settings = evolve(sending(TlsSettings(mta_sts_retry_s=retry_s)), max_messages_per_connection=1)
            assert await outcomes(TlsHost(server_side("unknown")), settings, within=made, messages=2) == found


async def test_no_more_policies_are_kept_than_mta_sts_policies_says(autojump_clock: MockClock) -> None:
    made = world()
    publish_sts(made)
    made.zones.add("_mta-sts.other.example", "TXT", b"v=STSv1; id=1;")
    made.zones.add_mx("other.example", HOST)
    made.fetch.pages["https://mta-sts.other.example/.well-known/mta-sts.txt"] = made.fetch.pages[FETCHED]
    for limit in (2, 1):
        async with stage(sending(TlsSettings(mta_sts_policies=limit)), world=made) as place:
            await place.put("b@example.org", "b@other.example", sender=None)
            await trio.sleep(10)
        assert len(await made.world.disk.list(Path("/var/spool/empath/mta-sts"))) == limit


async def test_a_host_with_broken_tls_is_remembered_for_remember_broken(autojump_clock: MockClock) -> None:
    for span_s, connections in ((3600.0, 3), (0.0, 4)):
        host = TlsHost(None, breaks=True)
        # Each message on a connection of its own.
        settings = evolve(sending(TlsSettings(remember_broken_s=span_s)), max_messages_per_connection=1)
        assert await outcomes(host, settings, messages=2) == ["Delivered"] * 2
        assert host.connections == connections


async def test_no_more_hosts_are_remembered_than_max_broken_hosts_says(autojump_clock: MockClock) -> None:
    made = world()
    made.zones.add_mx("other.example", "mx.other.example")
    made.zones.add_host("mx.other.example", "198.51.100.8")
    other = TlsHost(None, breaks=True)
    listener = await made.network.host("198.51.100.8").listen(TcpEndpoint("198.51.100.8", 25))
    host = TlsHost(None, breaks=True)
    settings = evolve(sending(TlsSettings(max_broken_hosts=1)), max_messages_per_connection=1)
    first = await made.network.host(ADDRESS).listen(TcpEndpoint(ADDRESS, 25))
    async with serving(other, listener), serving(host, first), stage(settings, world=made) as place:
        for recipient in ("b@example.org", "b@other.example", "b@example.org"):
            await place.put(recipient, sender=None)
            await trio.sleep(10)
    assert (host.connections, other.connections) == (4, 2)


async def test_connections_are_kept_where_they_have_shown_enough(autojump_clock: MockClock, tmp_path: Path) -> None:
    host = TlsHost(server_side("good"))
    settings = sending(TlsSettings(default_policy=TlsPolicy.VERIFIED, ca_file=ca_file(tmp_path)))
    assert await outcomes(host, settings, messages=3) == ["Delivered"] * 3
    assert host.connections == 1


async def test_requiretls_goes_to_hosts_that_prove_who_they_are(autojump_clock: MockClock, tmp_path: Path) -> None:
    wish = MailParams(requiretls=True)
    settings = sending(TlsSettings(ca_file=ca_file(tmp_path)))
    host = TlsHost(server_side("good"))
    assert await outcomes(host, settings, params=wish) == ["Delivered"]
    assert any("REQUIRETLS" in command for command in host.encrypted)
    for situation in ("unknown", "wrong name"):
        host = TlsHost(server_side(situation))
        assert await outcomes(host, settings, params=wish) == ["Deferred"]
        assert not any(command.startswith("MAIL") for command in (*host.in_clear, *host.encrypted))


@pytest.mark.parametrize("accepts", [True, False])
async def test_certificates_that_are_not_looked_at_are_warned_of_at_each_start(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, accepts: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        async with stage(DeliverySettings(accept_invalid_certs=accepts)):
            pass
    assert ("certificates of next hops are not looked at for all domains" in caplog.text) is accepts
