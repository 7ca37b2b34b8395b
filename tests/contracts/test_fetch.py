"""The Fetch port: HTTPS to a small server on loopback, and a table."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
from attrs import frozen

from empath.sim.fetch import Posted, Refusal, Silence, TableFetch
from empath.sim.resolver import SimulatedResolver
from empath.sim.zones import Zones
from empath.world import Fetch, FetchFailed, FetchLimits, FetchResponse, FetchTooLarge, TcpEndpoint
from empath.world.fetch import HttpFetch
from empath.world.network import SystemNetwork
from empath.world.tls import server_context, verifying_context
from tests.http_server import HttpServer

HOST = "mta-sts.example.com"
LIMITS = FetchLimits(timeout_s=5, size_bytes=1000)
PAGES: dict[str, FetchResponse | Silence] = {
    "/policy": FetchResponse(200, {"content-type": "text/plain"}, b"version: STSv1\n"),
    "/missing": FetchResponse(404, {}, b"no"),
    "/moved": FetchResponse(301, {"location": "https://elsewhere.example/"}, b""),
    "/full": FetchResponse(200, {}, b"x" * LIMITS.size_bytes),
    "/long": FetchResponse(200, {}, b"x" * (LIMITS.size_bytes + 1)),
    "/silent": Silence(),
}


@frozen
class Web:
    """A fetch, and where the pages are that it can see. ``posted`` returns what has been sent there."""

    fetch: Fetch
    port: int
    posted: Callable[[], list[Posted]]

    def url(self, path: str, host: str = HOST) -> str:
        """Return the URL of a page."""
        return f"https://{host}:{self.port}{path}"


@pytest.fixture(params=["real", "simulated"])
async def web(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Web]:
    if request.param == "simulated":
        yield simulated_web()
        return
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    server = HttpServer(PAGES, server_context(tmp_path / "server.pem", tmp_path / "server.pem"))
    zones = Zones()
    for host in (HOST, "wrong-name.example"):
        zones.add_host(host, "127.0.0.1")
    fetch = HttpFetch(
        SystemNetwork(), SimulatedResolver(zones), partial(verifying_context, ca_file=tmp_path / "ca.pem")
    )
    async with await SystemNetwork().listen(TcpEndpoint("127.0.0.1", 0)) as listener, trio.open_nursery() as nursery:
        assert isinstance(listener.endpoint, TcpEndpoint)
        nursery.start_soon(server.serve, listener)
        yield Web(fetch, listener.endpoint.port, lambda: server.posted)
        nursery.cancel_scope.cancel()


def simulated_web() -> Web:
    table = TableFetch()
    web = Web(table, 443, lambda: table.posted)
    for path, page in PAGES.items():
        table.pages[web.url(path)] = page
    table.pages[web.url("/policy", "wrong-name.example")] = Refusal("TLS handshake failed: certificate is for others")
    return web


async def test_a_document_comes_with_its_status_and_headers(web: Web) -> None:
    response = await web.fetch.get(web.url("/policy"), LIMITS)
    assert (response.status, response.body) == (200, b"version: STSv1\n")
    assert response.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/moved", 301)])
async def test_other_statuses_are_answers_and_redirects_are_not_followed(web: Web, path: str, status: int) -> None:
    assert (await web.fetch.get(web.url(path), LIMITS)).status == status


async def test_a_body_may_be_as_long_as_the_limit_and_no_longer(web: Web) -> None:
    assert len((await web.fetch.get(web.url("/full"), LIMITS)).body) == LIMITS.size_bytes
    with pytest.raises(FetchTooLarge, match="longer than 1000 bytes"):
        await web.fetch.get(web.url("/long"), LIMITS)


async def test_silence_ends_at_the_time_limit(web: Web) -> None:
    with trio.fail_after(2), pytest.raises(FetchFailed, match=r"not finished within 0\.1 s"):
        await web.fetch.get(web.url("/silent"), FetchLimits(timeout_s=0.1))


async def test_a_certificate_for_another_name_is_a_failure(web: Web) -> None:
    with pytest.raises(FetchFailed, match="certificate"):
        await web.fetch.get(web.url("/policy", "wrong-name.example"), LIMITS)


async def test_a_host_that_does_not_exist_is_a_failure(web: Web) -> None:
    with pytest.raises(FetchFailed, match=r"nowhere\.example.*no such domain") as failure:
        await web.fetch.get(web.url("/", "nowhere.example"), LIMITS)
    assert failure.value.url == web.url("/", "nowhere.example")


async def test_a_body_can_be_sent_with_headers(web: Web) -> None:
    response = await web.fetch.post(web.url("/policy"), b"hello", LIMITS, headers={"X-Empath": "yes"})
    assert response.status == 200
    (post,) = web.posted()
    assert post.body == b"hello"
    assert {name.lower(): value for name, value in post.headers.items()}["x-empath"] == "yes"
