"""MTA-STS policies, fetched over HTTPS from a real web server on loopback, and kept on a simulated disk."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath

import pytest
import trio
import trustme
from attrs import define, field

from empath.delivery.finding.sts import StsLimits, StsPolicies
from empath.delivery.finding.sts_cache import StsCache
from empath.policy.encryption.sts import StsMode
from empath.policy.tlsrpt.results import ResultType
from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.sim.fetch import Silence
from empath.world import Endpoint, FetchLimits, FetchResponse, TcpEndpoint
from empath.world.fetch import HttpFetch
from empath.world.listening import SocketListener
from empath.world.network import SystemNetwork
from empath.world.streams import SocketConnection
from empath.world.tls import verifying_context
from tests.delivery.shown import authorities, ca_file
from tests.http_server import HttpServer

DOMAIN = "example.org"
PATH = "/.well-known/mta-sts.txt"
DIRECTORY = PurePath("/spool/mta-sts")
DAY_S = 86_400
TEXT = {"content-type": "text/plain; charset=utf-8"}
BODY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
GOOD = FetchResponse(200, TEXT, BODY)
TESTING = FetchResponse(200, TEXT, BODY.replace(b"enforce", b"testing"))


@define(eq=False)
class OneServer:
    """A network in which every host is the web server. ``connections`` counts; None as port: nobody listens."""

    port: int | None = None
    connections: int = field(init=False, default=0)

    async def connect(self, endpoint: Endpoint, *, source: str | None = None) -> SocketConnection:
        assert isinstance(endpoint, TcpEndpoint)
        assert endpoint.port == 443
        self.connections += 1
        return await SystemNetwork().connect(TcpEndpoint("127.0.0.1", self.port or 1))

    async def listen(self, endpoint: Endpoint) -> SocketListener:
        return await SystemNetwork().listen(endpoint)


@define(eq=False)
class Place:
    """A domain, its web server, and what we know of it."""

    world: SimulatedWorld
    server: HttpServer
    network: OneServer
    fetch: HttpFetch
    timeout_s: float = 5
    retry_s: float = 0
    max_policies: int = 10
    policies: StsPolicies = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        cache = StsCache(self.world.world.disk, self.world.clock, DIRECTORY, max_policies=self.max_policies)
        limits = StsLimits(
            fetch=FetchLimits(timeout_s=self.timeout_s), retry_s=self.retry_s, max_failures=10, refresh_s=3600
        )
        self.policies = StsPolicies(self.world.resolver, self.fetch, self.world.clock, cache, limits)

    def announce(self, edition: str, domain: str = DOMAIN) -> None:
        self.world.zones.add(f"_mta-sts.{domain}", "TXT", f"v=STSv1; id={edition};".encode())
        self.world.zones.add_host(f"mta-sts.{domain}", "192.0.2.7")

    async def mode(self, domain: str = DOMAIN) -> StsMode | None:
        policy = await self.policies.find(domain)
        return None if policy is None else policy.mode


def context_for(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def certificate_for(*names: str, by: trustme.CA | None = None, ends: datetime | None = None) -> trustme.LeafCert:
    return (by or authorities().known).issue_cert(*names, key_type=trustme.KeyType.ECDSA, not_after=ends)


@asynccontextmanager
async def web(directory: Path, page: FetchResponse | Silence = GOOD) -> AsyncIterator[Place]:
    names = [f"mta-sts.{name}" for name in (DOMAIN, "a.example", "b.example", "c.example")]
    server = HttpServer({PATH: page}, context_for(certificate_for(*names)))
    world = SimulatedWorld(1)
    async with await SystemNetwork().listen(TcpEndpoint("127.0.0.1", 0)) as listener, trio.open_nursery() as nursery:
        assert isinstance(listener.endpoint, TcpEndpoint)

        @nursery.start_soon
        async def serve() -> None:
            await server.serve(listener)

        network = OneServer(port=listener.endpoint.port)
        fetch = HttpFetch(network, world.resolver, partial(verifying_context, ca_file=ca_file(directory)))
        place = Place(world, server, network, fetch)
        place.announce("1")
        yield place
        nursery.cancel_scope.cancel()


async def test_a_policy_is_fetched_once_and_then_known(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        for _ in range(3):
            policy = await place.policies.find(DOMAIN)
            assert policy is not None
            assert policy.lists("mx.example.org")
        assert place.network.connections == 1


async def test_a_domain_that_announces_none_is_not_asked(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        place.world.zones.failing.add("_mta-sts.failing.example")
        assert await place.mode("silent.example") is None
        assert await place.mode("failing.example") is None
        assert place.network.connections == 0


@pytest.mark.parametrize(
    "page",
    [
        FetchResponse(301, {"location": f"https://mta-sts.{DOMAIN}/other"}, b""),
        FetchResponse(404, TEXT, BODY),
        FetchResponse(200, {"content-type": "text/html"}, BODY),
        FetchResponse(200, {}, BODY),
        FetchResponse(200, TEXT, b"<html>"),
        FetchResponse(200, TEXT, BODY + b"x: y\r\n" * 20_000),
        Silence(),
    ],
    ids=["redirect", "missing", "html", "no type", "no policy", "too large", "slow"],
)
async def test_what_cannot_be_used_is_no_policy(tmp_path: Path, page: FetchResponse | Silence) -> None:
    async with web(tmp_path, page) as place:
        place.server.pages["/other"] = GOOD
        place.timeout_s = 0.2 if isinstance(page, Silence) else 5
        place.restart()
        assert await place.mode() is None
        assert place.network.connections == 1


@pytest.mark.parametrize(
    "certificate",
    [
        certificate_for(DOMAIN),
        certificate_for(f"mta-sts.{DOMAIN}", by=trustme.CA()),
        certificate_for(f"mta-sts.{DOMAIN}", ends=datetime(2025, 12, 1, tzinfo=UTC)),
    ],
    ids=["wrong name", "unknown authority", "expired"],
)
async def test_a_web_server_that_cannot_prove_who_it_is_is_not_believed(
    tmp_path: Path, certificate: trustme.LeafCert
) -> None:
    async with web(tmp_path) as place:
        place.server.context = context_for(certificate)
        assert await place.mode() is None
        assert place.policies.trouble(DOMAIN) is ResultType.STS_WEBPKI_INVALID


async def test_what_was_known_holds_on_while_the_web_server_cannot_be_used(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.announce("2")
        for page in (FetchResponse(500, {}, b""), FetchResponse(200, TEXT, b"rubbish")):
            place.server.pages[PATH] = page
            assert await place.mode() is StsMode.ENFORCE
        place.network.port = None
        assert await place.mode() is StsMode.ENFORCE


async def test_a_new_edition_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.server.pages[PATH] = TESTING
        assert await place.mode() is StsMode.ENFORCE
        place.announce("2")
        assert await place.mode() is StsMode.TESTING
        place.restart()
        assert await place.mode() is StsMode.TESTING
        assert place.network.connections == 2


async def test_a_record_that_is_kept_from_us_does_not_make_us_forget(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.world.zones.remove(f"_mta-sts.{DOMAIN}")
        assert await place.mode() is StsMode.ENFORCE
        place.world.zones.failing.add(f"_mta-sts.{DOMAIN}")
        assert await place.mode() is StsMode.ENFORCE


async def test_after_its_time_a_policy_is_over_if_the_web_server_is_down(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.network.port = None
        place.world.clock.step(7 * DAY_S - 60)
        assert await place.mode() is StsMode.ENFORCE
        place.world.clock.step(120)
        assert await place.mode() is None
        assert await place.world.world.disk.list(DIRECTORY) == ()


async def test_a_policy_is_looked_at_again_long_before_its_end(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.server.pages[PATH] = TESTING
        place.world.clock.step(DAY_S - 60)
        await place.policies.refresh()
        assert await place.mode() is StsMode.ENFORCE
        place.world.clock.step(120)
        assert await place.mode() is StsMode.ENFORCE  # no message waits for that
        await place.policies.refresh()
        assert await place.mode() is StsMode.TESTING
        assert place.network.connections == 2


async def test_a_policy_that_nobody_has_asked_for_since_a_restart_is_looked_at_again_as_well(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.server.pages[PATH] = TESTING
        place.restart()
        place.world.clock.step(DAY_S + 60)
        await place.policies.refresh()
        assert await place.mode() is StsMode.TESTING


async def test_a_look_that_fails_costs_nothing_of_what_is_known_and_is_repeated_after_a_pause(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        place.retry_s = 3600
        place.restart()
        assert await place.mode() is StsMode.ENFORCE
        place.server.pages[PATH] = FetchResponse(500, {}, b"")
        place.world.clock.step(DAY_S + 60)
        for _ in range(2):
            await place.policies.refresh()
        assert place.network.connections == 2
        assert await place.mode() is StsMode.ENFORCE


@pytest.mark.parametrize(
    ("page", "result"),
    [
        (FetchResponse(404, TEXT, BODY), ResultType.STS_POLICY_FETCH_ERROR),
        (FetchResponse(200, TEXT, b"<html>"), ResultType.STS_POLICY_INVALID),
        (FetchResponse(200, {"content-type": "text/html"}, BODY), ResultType.STS_POLICY_INVALID),
        (GOOD, None),
    ],
)
async def test_why_there_is_no_policy_is_known_for_reports(
    tmp_path: Path, page: FetchResponse, result: ResultType | None
) -> None:
    async with web(tmp_path, page) as place:
        await place.mode()
        assert place.policies.trouble(DOMAIN) is result


async def test_a_policy_survives_a_loss_of_power(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.world.crash()
        place.network.port = None
        place.restart()
        assert await place.mode() is StsMode.ENFORCE
        assert place.network.connections == 1


async def test_a_file_that_is_damaged_is_no_policy(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        await place.mode()
        disk = place.world.world.disk
        (name,) = await disk.list(DIRECTORY)
        await disk.write(DIRECTORY / name, [b'{"domain": "example.org"'])
        place.restart()
        assert await place.mode() is StsMode.ENFORCE
        assert place.network.connections == 2


async def test_those_who_ask_at_once_share_a_fetch(tmp_path: Path) -> None:
    found: list[StsMode | None] = []
    async with web(tmp_path) as place:

        async def ask() -> None:
            found.append(await place.mode())

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(ask)
        assert found == [StsMode.ENFORCE] * 10
        assert place.network.connections == 1


async def test_after_a_failure_there_is_a_pause(tmp_path: Path) -> None:
    async with web(tmp_path, FetchResponse(404, {}, b"")) as place:
        place.retry_s = 3600
        place.restart()
        assert await place.mode() is None
        place.server.pages[PATH] = GOOD
        assert await place.mode() is None
        assert place.network.connections == 1


async def test_policies_are_bounded_in_memory_and_on_disk(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        place.max_policies = 2
        place.restart()
        for domain in ("a.example", "b.example", "c.example"):
            place.announce("1", domain)
            assert await place.mode(domain) is StsMode.ENFORCE
        assert len(await place.world.world.disk.list(DIRECTORY)) == 2
        place.network.port = None
        place.restart()
        assert [await place.mode(domain) for domain in ("a.example", "c.example")] == [None, StsMode.ENFORCE]


async def test_a_disk_that_is_full_costs_the_memory_of_a_policy_and_no_mail(tmp_path: Path) -> None:
    async with web(tmp_path) as place:
        place.world.files.capacity_bytes = 0
        for _ in range(2):
            assert await place.mode() is StsMode.ENFORCE
        assert place.network.connections == 1
        place.restart()
        assert await place.mode() is StsMode.ENFORCE
        assert place.network.connections == 2


@pytest.mark.parametrize("call", ["names", "open", "read_at", "unlink"])
async def test_a_disk_that_fails_costs_a_fetch_and_no_mail(tmp_path: Path, call: str) -> None:
    async with web(tmp_path) as place:
        assert await place.mode() is StsMode.ENFORCE
        place.restart()
        place.world.files.plan(Trouble.IO_ERROR, call=call)
        if call == "unlink":
            place.world.clock.step(8 * DAY_S)
        assert await place.mode() is StsMode.ENFORCE
        assert place.network.connections == 2
