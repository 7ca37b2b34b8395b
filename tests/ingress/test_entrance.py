"""Handshakes of a listener: in time, and not all at once."""

import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
import trio
import trustme
from attrs import define, field
from trio.testing import MockClock

from empath.ingress.entrance import TlsEntrance
from empath.sim.offload import InlineOffload
from empath.world.endpoint import TcpEndpoint
from empath.world.errors import NetworkError, TlsFailed
from empath.world.handshake import start_tls
from empath.world.network import SystemNetwork
from empath.world.offload import ThreadOffload
from empath.world.ports import Connection, Offload
from empath.world.tls import opportunistic_context

T = TypeVar("T")


@pytest.fixture(scope="module")
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.example.org").configure_cert(context)
    return context


@define(eq=False)
class Counting:
    """An offload that knows how many jobs it has at work, at most."""

    _inner: Offload
    _lock: threading.Lock = field(init=False, factory=threading.Lock)
    _working: int = field(init=False, default=0)
    most: int = field(init=False, default=0)
    jobs: int = field(init=False, default=0)

    async def run(self, function: Callable[[], T]) -> T:
        return await self._inner.run(lambda: self._watched(function))

    def own(self, name: str, *, threads: int) -> Offload:
        raise NotImplementedError

    def _watched(self, function: Callable[[], T]) -> T:
        with self._lock:
            self._working += 1
            self.jobs += 1
            self.most = max(self.most, self._working)
        try:
            time.sleep(0.001)
            return function()
        finally:
            with self._lock:
                self._working -= 1


async def pair() -> tuple[Connection, Connection]:
    async with await SystemNetwork().listen(TcpEndpoint("127.0.0.1", 0)) as listener:
        return await SystemNetwork().connect(listener.endpoint), await listener.accept()


async def test_a_client_that_says_nothing_is_given_up(autojump_clock: MockClock, certificate: ssl.SSLContext) -> None:
    client, server = await pair()
    entrance = TlsEntrance(context=lambda: certificate, offload=InlineOffload(), timeout_s=30)
    async with client, server:
        with pytest.raises(TlsFailed, match="longer than 30 seconds"):
            await entrance.accept(server)
    assert trio.current_time() == 30


@pytest.mark.parametrize("threads", [1, 2])
async def test_no_more_handshakes_are_computed_at_once_than_there_are_threads(
    certificate: ssl.SSLContext, threads: int
) -> None:
    pool = ThreadOffload("tls", threads=threads)
    offload = Counting(pool)
    entrance = TlsEntrance(context=lambda: certificate, offload=offload, timeout_s=30)

    async def one(client: Connection, server: Connection) -> None:
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(entrance.accept, server)
            await start_tls(client, opportunistic_context(), host="mx.example.org")

    silent = [await pair() for _ in range(3)]
    async with trio.open_nursery() as outer:
        for _, server in silent:
            outer.start_soon(entrance.accept, server)
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(one, *await pair())
        outer.cancel_scope.cancel()
    for client, server in silent:
        client.close()
        server.close()
    pool.close()
    assert offload.most <= threads
    assert offload.jobs == 16  # two steps of each; those who are silent take no turn


async def test_each_handshake_is_done_with_what_there_is_then(certificate: ssl.SSLContext) -> None:
    renewed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.example.net").configure_cert(renewed)
    contexts = iter([certificate, renewed])
    entrance = TlsEntrance(context=lambda: next(contexts), offload=InlineOffload(), timeout_s=30)
    seen = set()
    for _ in range(2):
        client, server = await pair()
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(entrance.accept, server)
            seen.add((await start_tls(client, opportunistic_context(), host="x.example")).summary.peer_certificate)
    assert len(seen) == 2


async def test_what_is_no_handshake_leaves_nothing_but_to_close(certificate: ssl.SSLContext) -> None:
    client, server = await pair()
    entrance = TlsEntrance(context=lambda: certificate, offload=InlineOffload(), timeout_s=30)
    async with client, server:
        await client.send_all(b"EHLO client.example\r\n")
        with pytest.raises(NetworkError):
            await entrance.accept(server)
