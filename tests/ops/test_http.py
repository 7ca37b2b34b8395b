import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock

from empath.config.schema import HttpSettings
from empath.ops.http import HttpServer, Request, Response
from empath.sim import SimulatedWorld
from empath.world import Connection, Endpoint, Network, TcpEndpoint

SETTINGS = HttpSettings(max_connections=2, read_timeout_s=10.0, max_request_bytes=2048)


async def hello(request: Request) -> Response:
    await trio.lowlevel.checkpoint()
    return Response(content_type="text/plain", body=f"hello {request.method} {request.host}".encode())


async def broken(_: Request) -> Response:
    await trio.lowlevel.checkpoint()
    raise RuntimeError("a fault of ours")


@frozen
class Site:
    """A server, and how to reach it."""

    network: Network
    endpoint: Endpoint

    async def dial(self) -> Connection:
        return await self.network.connect(self.endpoint)

    async def ask(self, octets: bytes) -> bytes:
        """What is answered until the server closes, or has nothing more to say for a while."""
        async with await self.dial() as stream:
            await stream.send_all(octets)
            answer = b""
            with trio.move_on_after(1):
                while part := await stream.receive_some(65_536):
                    answer += bytes(part)
            return answer


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[Site]:
    world = SimulatedWorld(1, addresses=("127.0.0.1", "192.0.2.1")).world
    routes: dict[str, Callable[[Request], Awaitable[Response]]] = {"/hello": hello, "/broken": broken}
    server = HttpServer(routes=routes, settings=SETTINGS, own_name="mx.example.org")
    async with trio.open_nursery() as nursery:
        listener = await world.network.listen(TcpEndpoint(host, 8080))
        nursery.start_soon(server.run, listener)
        yield Site(world.network, listener.endpoint)
        nursery.cancel_scope.cancel()


def get(path: str, *, host: str = "localhost:8080", method: str = "GET", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def problem_of(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    found: dict[str, object] = json.loads(body)
    assert {"title", "why", "try", "code", "status"} <= set(found)
    assert found["status"] == status_of(answer)
    return found


async def test_a_route_is_answered(autojump_clock: MockClock) -> None:
    async with serving() as site:
        answer = await site.ask(get("/hello?x=1"))
    assert status_of(answer) == 200
    assert answer.endswith(b"\r\n\r\nhello GET localhost")
    assert b"Cache-Control: no-store\r\n" in answer


async def test_head_is_answered_without_the_content(autojump_clock: MockClock) -> None:
    async with serving() as site:
        answer = await site.ask(get("/hello", method="HEAD"))
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 20\r\n" in answer


async def test_a_connection_carries_several_requests(autojump_clock: MockClock) -> None:
    async with serving() as site:
        answer = await site.ask(get("/hello") * 2 + get("/hello", more="Connection: close\r\n"))
    assert answer.count(b"hello GET localhost") == 3


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (get("/nowhere"), 404),
        (get("/hello", method="POST", more="Content-Length: 0\r\n"), 405),
        (get("/hello", method="POST", more="Content-Length: 3\r\n") + b"abc", 405),
        (get("/hello", more="Content-Length: 3\r\n") + b"abc", 413),
        (get("/hello", more="Transfer-Encoding: chunked\r\n") + b"1\r\na\r\n0\r\n\r\n", 413),
        (get("/hello", more=f"X: {'x' * 20_000}\r\n"), 431),
        (b"EHLO client.example\r\n\r\n", 400),
        (get("/broken"), 500),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_with_a_reason(
    octets: bytes, status: int, autojump_clock: MockClock
) -> None:
    async with serving() as site:
        answer = await site.ask(octets)
        assert (status_of(answer), problem_of(answer)["status"]) == (status, status)
        assert status_of(await site.ask(get("/hello"))) == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("MX.example.org:8080", 200),
        ("evil.example:8080", 421),
        ("localhost.evil.example", 421),
    ],
)
async def test_on_loopback_only_names_of_this_machine_are_answered_to(
    host: str, status: int, autojump_clock: MockClock
) -> None:
    async with serving() as site:
        assert status_of(await site.ask(get("/hello", host=host))) == status


async def test_a_probe_that_names_no_host_is_answered(autojump_clock: MockClock) -> None:
    async with serving() as site:
        assert status_of(await site.ask(b"GET /hello HTTP/1.0\r\n\r\n")) == 200


async def test_elsewhere_any_name_will_do(autojump_clock: MockClock) -> None:
    async with serving("192.0.2.1") as site:
        assert status_of(await site.ask(get("/hello", host="relay.internal.example"))) == 200


async def test_a_client_that_dawdles_is_cut_off(autojump_clock: MockClock) -> None:
    async with serving() as site, await site.dial() as stream:
        began = trio.current_time()
        await stream.send_all(b"GET /hello HTTP/1.1\r\n")
        assert await stream.receive_some(100) == b""
        assert trio.current_time() - began == pytest.approx(SETTINGS.read_timeout_s)


async def test_beyond_the_limit_a_client_waits_until_another_has_gone(autojump_clock: MockClock) -> None:
    async with serving() as site:
        async with await site.dial(), await site.dial():
            assert await site.ask(get("/hello")) == b""
        assert status_of(await site.ask(get("/hello"))) == 200


async def told(request: Request) -> Response:
    content = await request.content.read(1000)
    return Response(content_type="text/plain", body=f"{request.method} {len(content)} {request.query}".encode())


@asynccontextmanager
async def serving_a_tree() -> AsyncIterator[Site]:
    world = SimulatedWorld(1, addresses=("127.0.0.1",)).world
    server = HttpServer(routes={"/hello": hello}, trees={"/api/": told}, settings=SETTINGS, own_name="mx.example.org")
    async with trio.open_nursery() as nursery:
        listener = await world.network.listen(TcpEndpoint("127.0.0.1", 8080))
        nursery.start_soon(server.run, listener)
        yield Site(world.network, listener.endpoint)
        nursery.cancel_scope.cancel()


async def test_a_tree_sees_every_method_and_the_content(autojump_clock: MockClock) -> None:
    async with serving_a_tree() as site:
        answer = await site.ask(get("/api/x?a=b", method="PUT", more="Content-Length: 3\r\n") + b"abc")
        assert answer.endswith(b"PUT 3 a=b")
        chunked = get("/api/x", method="POST", more="Transfer-Encoding: chunked\r\n") + b"2\r\nab\r\n0\r\n\r\n"
        assert (await site.ask(chunked)).endswith(b"POST 2 ")


async def test_content_beyond_the_limit_is_refused_and_the_connection_ends(autojump_clock: MockClock) -> None:
    async with serving_a_tree() as site:
        answer = await site.ask(get("/api/x", method="POST", more="Content-Length: 5000\r\n") + 5000 * b"x")
        assert (status_of(answer), problem_of(answer)["code"]) == (413, "HTTP005")
        assert b"Connection: close\r\n" in answer


async def test_a_client_that_waits_for_leave_to_go_on_gets_it(autojump_clock: MockClock) -> None:
    async with serving_a_tree() as site, await site.dial() as stream:
        await stream.send_all(get("/api/x", method="POST", more="Content-Length: 2\r\nExpect: 100-continue\r\n"))
        assert bytes(await stream.receive_some(100)).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(b"ab")
        assert b"POST 2 " in bytes(await stream.receive_some(1000))


async def test_content_that_does_not_come_is_not_waited_for_without_end(autojump_clock: MockClock) -> None:
    async with serving_a_tree() as site, await site.dial() as stream:
        began = trio.current_time()
        await stream.send_all(get("/api/x", method="POST", more="Content-Length: 2\r\n") + b"a")
        while trio.current_time() - began < 500 and await stream.receive_some(1000):
            pass
        assert trio.current_time() - began == pytest.approx(SETTINGS.content_timeout_s)
