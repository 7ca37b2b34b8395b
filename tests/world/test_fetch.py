"""What the real fetch promises beyond the port: which URLs it takes, and whom it asks for the way."""

import ssl

import pytest
import trio

from empath.sim.fetch import Posted, Silence
from empath.sim.network import VirtualHost, VirtualNetwork
from empath.sim.resolver import SimulatedResolver
from empath.sim.zones import Zones
from empath.world import FetchFailed, FetchLimits, FetchResponse, TcpEndpoint
from empath.world.fetch import HttpFetch
from tests.http_server import HttpServer

LIMITS = FetchLimits(timeout_s=5)
PAGES: dict[str, FetchResponse | Silence] = {"/": FetchResponse(200, {}, b"hello")}


@pytest.fixture
def host() -> VirtualHost:
    return VirtualNetwork().host("192.0.2.1")


def fetch_from(host: VirtualHost, zones: Zones | None = None) -> HttpFetch:
    return HttpFetch(host, SimulatedResolver(zones or Zones()), ssl.create_default_context)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https:///path",
        "https://[::1/",
        "example.com",
        "",
    ],
)
async def test_what_would_cross_a_network_in_clear_text_is_refused(host: VirtualHost, url: str) -> None:
    with pytest.raises(FetchFailed):
        await fetch_from(host).get(url, LIMITS)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_clear_text_is_for_this_machine_itself(host: VirtualHost, name: str) -> None:
    server = HttpServer(PAGES)
    async with await host.listen(TcpEndpoint("127.0.0.1", 11333)) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(server.serve, listener)
        response = await fetch_from(host).post(f"http://{name}:11333/", b"mail", LIMITS, headers={"Rcpt": "a@b"})
        assert response.body == b"hello"
        nursery.cancel_scope.cancel()
    assert [(post.url, post.body, post.headers["rcpt"]) for post in server.posted] == [("/", b"mail", "a@b")]
    assert isinstance(server.posted[0], Posted)


async def test_what_is_no_http_is_a_failure(host: VirtualHost) -> None:
    async with await host.listen(TcpEndpoint("127.0.0.1", 80)) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(HttpServer({}).serve, listener)
        with pytest.raises(FetchFailed, match="not HTTP"):
            await fetch_from(host).get("http://127.0.0.1/", LIMITS)
        nursery.cancel_scope.cancel()


async def test_the_next_address_of_a_host_is_tried(host: VirtualHost) -> None:
    zones = Zones()
    zones.add_host("web.example", "192.0.2.66", "192.0.2.1")
    here = TcpEndpoint("192.0.2.1", 443)
    async with await host.listen(here), await fetch_from(host, zones).dial("web.example", 443) as client:
        assert client.remote == here


async def test_nobody_at_any_address_is_a_failure(host: VirtualHost) -> None:
    with pytest.raises(FetchFailed, match="refused"):
        await fetch_from(host).get("http://localhost:9/", LIMITS)
