"""The word of a real validating resolver on real signed zones, and what becomes of mail where it is asked for."""

import smtplib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
import trio
from attrs import frozen

from empath.world import DnsTemporary, NoData, NoSuchDomain, Security, TcpEndpoint, TlsaRecord
from empath.world.resolver import DnsResolver, DnsSettings
from tests.peers import needs
from tests.process.daemon import Daemon
from tests.process.dns import Resolver, resolving
from tests.process.ports import free_port
from tests.process.signing import sign
from tests.process.smtpstone import smtp_sink
from tests.process.waiting import wait_until

pytestmark = needs("nsd", "unbound", "smtp-sink")

SINK: Final = "127.0.0.2"
CHILD: Final = """\
$TTL 60
@ SOA ns.example. root.example. 1 3600 600 86400 60
@ NS ns.example.
@ MX 10 mx
mx A 127.0.0.2
_25._tcp.mx TLSA 3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
there MX 10 mx
host.deep.down A 127.0.0.2
to-valid CNAME valid.example.
to-plain CNAME plain.example.
gone CNAME nowhere.valid.example.
"""
PARENT: Final = """\
$TTL 60
@ SOA ns root 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
valid NS ns
forged NS ns
denied NS ns
stale NS ns
plain NS ns
"""


@frozen
class Net:
    """The resolver."""

    dns: Resolver

    @asynccontextmanager
    async def resolver(self) -> AsyncIterator[DnsResolver]:
        """Our side of it."""
        settings = DnsSettings(servers=(TcpEndpoint("127.0.0.1", self.dns.port),), timeout_s=10)
        async with trio.open_nursery() as nursery:
            yield DnsResolver(settings, nursery)
            nursery.cancel_scope.cancel()


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Zones that are as their parent says, one that is not signed, and three that were tampered with."""
    signed = {
        name: sign(f"{name}.example", CHILD, expired=name == "stale") for name in ("valid", "forged", "denied", "stale")
    }
    parent = sign("example", PARENT + "".join(f"{zone.delegation_signer}\n" for zone in signed.values()))
    zones = {
        "example": parent.text,
        "valid.example": signed["valid"].text,
        "forged.example": signed["forged"].altered("127.0.0.2", "127.0.0.66"),
        "denied.example": signed["denied"].without("NSEC"),
        "stale.example": signed["stale"].text,
        "plain.example": CHILD,
    }
    home = tmp_path_factory.mktemp("dnssec")
    with resolving(home / "dns", zones, anchor=parent.delegation_signer) as dns:
        yield Net(dns)


async def test_answers_of_a_signed_zone_are_secure(net: Net) -> None:
    async with net.resolver() as resolver:
        assert (await resolver.mx("valid.example")).security is Security.SECURE
        assert (await resolver.addresses("mx.valid.example")).security is Security.SECURE
        found = await resolver.tlsa("mx.valid.example", port=25)
        assert found.security is Security.SECURE
        assert found.records == (TlsaRecord(3, 1, 1, bytes(range(32))),)


async def test_absence_in_a_signed_zone_is_proven(net: Net) -> None:
    """RFC 4035 5.4: without a proof, DANE could be switched off by leaving records out."""
    async with net.resolver() as resolver:
        with pytest.raises(NoSuchDomain) as missing:
            await resolver.mx("nowhere.valid.example")
        assert missing.value.security is Security.SECURE
        with pytest.raises(NoData) as empty:
            await resolver.mx("mx.valid.example")
        assert empty.value.security is Security.SECURE
        with pytest.raises(NoSuchDomain) as no_tlsa:
            await resolver.tlsa("mx.valid.example", port=587)
        assert no_tlsa.value.security is Security.SECURE


@pytest.mark.parametrize(("zone", "security"), [("valid", Security.SECURE), ("plain", Security.INSECURE)])
@pytest.mark.parametrize("name", ["_tcp.mx", "deep.down", "down"])
async def test_an_empty_non_terminal_exists_and_has_no_records(
    net: Net, zone: str, name: str, security: Security
) -> None:
    """RFC 8020 2: a name with others below it is no NXDOMAIN."""
    async with net.resolver() as resolver:
        with pytest.raises(NoData) as empty:
            await resolver.txt(f"{name}.{zone}.example")
        assert empty.value.security is security


async def test_answers_of_a_zone_that_is_not_signed_are_insecure(net: Net) -> None:
    async with net.resolver() as resolver:
        assert (await resolver.mx("plain.example")).security is Security.INSECURE
        assert (await resolver.tlsa("mx.plain.example", port=25)).security is Security.INSECURE
        with pytest.raises(NoSuchDomain) as missing:
            await resolver.mx("nowhere.plain.example")
        assert missing.value.security is Security.INSECURE


@pytest.mark.parametrize("alias", ["to-plain.valid.example", "to-valid.plain.example"])
async def test_an_alias_is_as_secure_as_its_weakest_part(net: Net, alias: str) -> None:
    async with net.resolver() as resolver:
        assert (await resolver.mx(alias)).security is Security.INSECURE
        assert (await resolver.mx("to-valid.valid.example")).security is Security.SECURE


async def test_an_alias_that_leads_to_nothing_is_proven_too(net: Net) -> None:
    async with net.resolver() as resolver:
        with pytest.raises(NoSuchDomain) as missing:
            await resolver.mx("gone.valid.example")
        assert missing.value.security is Security.SECURE


async def test_a_forged_record_is_a_temporary_failure_that_says_why(net: Net) -> None:
    """RFC 4035 5.5: SERVFAIL; RFC 8914 4.7: and the reason beside it."""
    async with net.resolver() as resolver:
        with pytest.raises(DnsTemporary, match=r"SERVFAIL.*DNSSEC Bogus"):
            await resolver.a("mx.forged.example")
        # What nobody has touched is as good as before.
        assert (await resolver.mx("forged.example")).security is Security.SECURE


async def test_a_denial_without_proof_is_a_temporary_failure(net: Net) -> None:
    async with net.resolver() as resolver:
        for name in ("nowhere.denied.example", "mx.denied.example"):
            with pytest.raises(DnsTemporary, match="SERVFAIL"):
                await resolver.mx(name)


async def test_signatures_that_have_expired_are_a_temporary_failure(net: Net) -> None:
    async with net.resolver() as resolver:
        with pytest.raises(DnsTemporary, match="SERVFAIL"):
            await resolver.mx("stale.example")


async def test_an_operator_who_does_not_want_dnssec_is_told_nothing_of_it(net: Net) -> None:
    settings = DnsSettings(servers=(TcpEndpoint("127.0.0.1", net.dns.port),), dnssec=False)
    async with trio.open_nursery() as nursery:
        resolver = DnsResolver(settings, nursery)
        assert (await resolver.mx("valid.example")).security is Security.INDETERMINATE
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("enforce", [False, True], ids=["not enforced", "enforced"])
def test_mail_goes_where_dnssec_leads_and_to_others_unless_it_is_enforced(
    net: Net, tmp_path: Path, enforce: bool
) -> None:
    port = free_port()
    config = tmp_path / "empath.toml"
    config.write_text(
        f"""mode = "live"
hostname = "relay.example"

[[smtp.listeners]]
listen_addr = "127.0.0.1:0"

[delivery]
dns = {{ servers = ["{net.dns.address}"], dnssec.enforce = {str(enforce).lower()} }}
smtp_port = {port}
allow_private_hosts = true
tls.default_policy = "disabled"
"""
    )
    domains = ("valid.example", "plain.example", "forged.example", "stale.example")
    with ExitStack() as stack:
        stack.enter_context(smtp_sink(tmp_path / "sink", f"{SINK}:{port}"))
        daemon = stack.enter_context(Daemon(tmp_path, config))
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
            for domain in domains:
                client.sendmail("", [f"bob@{domain}"], b"Subject: x\r\n\r\nx\r\n")

        def fate(domain: str) -> str:
            words = [word for line in list(daemon.lines) if f" to=bob@{domain} " in line for word in line.split()]
            return next((word for word in words if word in {"delivered", "deferred", "bounced"}), "")

        wait_until(lambda: all(map(fate, domains)), timeout_s=30)
        assert {domain: fate(domain) for domain in domains} == {
            "valid.example": "delivered",
            "plain.example": "deferred" if enforce else "delivered",
            "forged.example": "deferred",
            "stale.example": "deferred",
        }
