"""Clients that want to hold the HTTP server up, or to make it hold more than it should: in clear and over TLS."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import repeat

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import HttpSettings
from empath.ops.http import HttpServer, Request, Response
from empath.ops.http.values import Handler
from empath.sim import SimulatedWorld
from empath.world import Connection, ConnectionLost, TcpEndpoint
from tests.ops.test_http import Site, get, hello, problem_of, status_of

SETTINGS = HttpSettings(
    max_connections=3, read_timeout_s=10.0, max_request_bytes=2048, max_content_bytes=4096, content_timeout_s=60.0
)
Secure = Callable[[Connection], Awaitable[Connection]]
LARGE = 8 * 1024 * 1024
OVER = 40_000
"""More than is held of a request, and than one call receives."""


async def read_all(request: Request) -> Response:
    await request.content.read(SETTINGS.max_content_bytes)
    return Response(content_type="text/plain", body=b"read")


async def tell_much(_: Request) -> Response:
    await trio.lowlevel.checkpoint()
    return Response(content_type="text/plain", body=b"x" * LARGE)


@asynccontextmanager
async def serving(secure: Secure | None = None) -> AsyncIterator[Site]:
    world = SimulatedWorld(1, addresses=("127.0.0.1",)).world
    trees: dict[str, Handler] = {"/api/": read_all, "/much/": tell_much}
    server = HttpServer(routes={"/hello": hello}, trees=trees, settings=SETTINGS, secure=secure, own_name="mx")
    async with trio.open_nursery() as nursery:
        listener = await world.network.listen(TcpEndpoint("127.0.0.1", 8080))
        nursery.start_soon(server.run, listener)
        yield Site(world.network, listener.endpoint)
        nursery.cancel_scope.cancel()


def chunked(size_bytes: int) -> bytes:
    return b"".join(b"400\r\n" + 1024 * b"x" + b"\r\n" for _ in range(size_bytes // 1024)) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("octets", "statuses"),
    [
        (get(f"/{'x' * OVER}"), {400, 414, 431}),
        (get("/hello", more="".join(f"X-{number}: {'y' * 50}\r\n" for number in range(OVER // 50))), {431}),
        (get("/hello", more=f"Cookie: empath_session={'x' * OVER}\r\n"), {431}),
        (get("/hello", host="x" * OVER), {431}),
        (f"{'G' * OVER} / HTTP/1.1\r\nHost: mx\r\n\r\n".encode(), {400, 431}),
        (get("/api/x", method="POST", more="Content-Length: 5000\r\n") + 5000 * b"x", {413}),
        (get("/api/x", method="POST", more="Content-Length: 99999999999\r\n") + 5000 * b"x", {413}),
        (get("/api/x", method="POST", more="Transfer-Encoding: chunked\r\n") + chunked(8192), {413}),
        (get("/api/x", method="POST", more="Transfer-Encoding: chunked\r\n") + b"1;" + b"e" * 4000, {400, 413, 431}),
        (get("/hello", more="Content-Length: 5000\r\n") + 5000 * b"x", {413}),
        (get("/hello", more="Content-Length: -1\r\n"), {400}),
        (get("/hello", more="Content-Length: 1\r\nContent-Length: 2\r\n") + b"a", {400}),
        (get("/hello", more="Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), {400, 501}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + 3000 * b"\x00", {400, 431}),
    ],
    ids=lambda value: None if isinstance(value, bytes) else "-".join(map(str, sorted(value))),
)
async def test_what_is_larger_than_its_limit_or_means_two_things_is_refused_and_cut_off(
    octets: bytes, statuses: set[int], autojump_clock: MockClock
) -> None:
    async with serving() as site, await site.dial() as stream:
        answer = b""
        with trio.fail_after(SETTINGS.read_timeout_s):  # nobody waits for what would never be enough
            await stream.send_all(octets)
            while part := await stream.receive_some(65_536):
                answer += bytes(part)
        assert status_of(answer) in statuses
        assert problem_of(answer)["code"] in {"HTTP004", "HTTP005"}
        assert status_of(await site.ask(get("/hello"))) == 200


async def drip(stream: Connection, octets: Iterator[bytes], *, every_s: float) -> float:
    """Send an octet now and then until the server has enough; for how long it had patience."""
    began = trio.current_time()
    with trio.move_on_after(3600):
        try:
            for octet in octets:
                await stream.send_all(octet)
                with trio.move_on_after(every_s):
                    while await stream.receive_some(1000):
                        pass
                    break
        except ConnectionLost:
            pass
    return trio.current_time() - began


async def test_a_header_that_drips_has_no_more_time_than_another(autojump_clock: MockClock) -> None:
    """Slowloris: a field now and then, for ever."""
    async with serving() as site, await site.dial() as stream:
        await stream.send_all(b"GET /hello HTTP/1.1\r\nHost: mx\r\n")
        lasted_s = await drip(stream, repeat(b"X: y\r\n"), every_s=3.0)
        assert lasted_s == pytest.approx(SETTINGS.read_timeout_s, abs=3.1)


async def test_content_that_drips_has_no_more_time_than_other(autojump_clock: MockClock) -> None:
    async with serving() as site, await site.dial() as stream:
        await stream.send_all(get("/api/x", method="POST", more="Content-Length: 4000\r\n"))
        lasted_s = await drip(stream, repeat(b"x"), every_s=3.0)
        assert lasted_s == pytest.approx(SETTINGS.content_timeout_s, abs=3.1)


async def test_a_client_that_does_not_read_its_answer_is_let_go(autojump_clock: MockClock) -> None:
    async with serving() as site, await site.dial() as stream:
        await stream.send_all(get("/much/x"))
        await trio.sleep(SETTINGS.read_timeout_s + 1)
        got = 0
        try:
            while part := await stream.receive_some(65_536):
                got += len(part)
        except ConnectionLost:
            pass
        assert got < LARGE


async def test_a_connection_that_is_kept_open_and_not_used_ends(autojump_clock: MockClock) -> None:
    async with serving() as site, await site.dial() as stream:
        await stream.send_all(get("/hello"))
        assert status_of(bytes(await stream.receive_some(65_536))) == 200
        began = trio.current_time()
        assert await stream.receive_some(100) == b""
        assert trio.current_time() - began == pytest.approx(SETTINGS.read_timeout_s, abs=1)


async def test_a_crowd_of_slow_clients_costs_others_a_wait_and_no_more(autojump_clock: MockClock) -> None:
    async with serving() as site, trio.open_nursery() as nursery:

        async def dawdle() -> None:
            async with await site.dial() as stream:
                await drip(stream, repeat(b"G"), every_s=1.0)

        for _ in range(10 * SETTINGS.max_connections):
            nursery.start_soon(dawdle)
        await trio.sleep(1)
        async with await site.dial() as stream:
            await stream.send_all(get("/hello"))
            with trio.fail_after(12 * (SETTINGS.read_timeout_s + 1)):
                assert status_of(bytes(await stream.receive_some(65_536))) == 200
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("fault", [None, "TLS: no"])
async def test_a_handshake_that_does_not_end_well_holds_nobody_else_up(
    fault: str | None, autojump_clock: MockClock
) -> None:
    """How long a handshake may take is the business of whoever does it; the server goes on without it."""
    seen: list[Connection] = []

    async def secure(connection: Connection) -> Connection:
        seen.append(connection)
        if len(seen) > SETTINGS.max_connections:
            await trio.lowlevel.checkpoint()
            return connection
        await trio.sleep(SETTINGS.read_timeout_s)
        if fault is not None:
            raise ConnectionLost(fault)
        raise trio.TooSlowError

    async with serving(secure) as site:
        streams = [await site.dial() for _ in range(SETTINGS.max_connections)]
        async with await site.dial() as stream:
            await stream.send_all(get("/hello"))
            assert status_of(bytes(await stream.receive_some(65_536))) == 200
        for one in streams:
            assert await one.receive_some(10) == b""
            await one.aclose()
