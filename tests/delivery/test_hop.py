"""Hops to hosts that follow a script, down to the octet."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trustme
from trio.testing import MockClock

from empath.delivery import Dialling, Hop
from empath.mail.diagnosis import Kind, Phase
from empath.mail.failure import Failure
from empath.policy.encryption.tls import TlsPolicy
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.world import NetworkError, TcpEndpoint
from empath.world.handshake import accept_tls
from empath.world.ports import Connection
from tests.delivery.dials import dialling_in

ADDRESS = "198.51.100.1"
Script = Callable[[Connection], Awaitable[None]]


def saying(*replies: bytes) -> Script:
    """A host that greets with the first, and has one reply for whatever it reads next; then it only listens."""

    async def serve(connection: Connection) -> None:
        for reply in replies:
            await connection.send_all(reply)
            if not await connection.receive_some():
                return
        await trio.sleep_forever()

    return serve


@asynccontextmanager
async def dialling(script: Script, policy: TlsPolicy = TlsPolicy.OPPORTUNISTIC) -> AsyncIterator[Dialling]:
    world = SimulatedWorld(1)
    listener = await world.network.host(ADDRESS).listen(TcpEndpoint(ADDRESS, 25))

    async def serve(connection: Connection) -> None:
        try:
            await script(connection)
        except NetworkError:
            pass
        finally:
            connection.close()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def accept() -> None:
            while True:
                nursery.start_soon(serve, await listener.accept())

        yield dialling_in(world, policy)
        nursery.cancel_scope.cancel()


async def dialled(some: Dialling) -> Hop:
    return await some.open(Target("mx.example.org", ADDRESS, 25))


@pytest.mark.parametrize(
    ("script", "kind", "phase"),
    [
        (saying(b"421 busy\r\n"), Kind.BUSY, Phase.GREETING),
        (saying(b"554 go away\r\n"), Kind.HOST_REFUSED, Phase.GREETING),
        (saying(b"220 hi\r\n", b"450 no\r\n"), Kind.BUSY, Phase.HELLO),
        (saying(b"220 hi\r\n", b"502 no\r\n", b"502 no\r\n"), Kind.HOST_REFUSED, Phase.HELLO),
        (saying(b"SSH-2.0-OpenSSH\r\n"), Kind.PROTOCOL, Phase.GREETING),
        (saying(b"220 " + b"x" * 100_000), Kind.PROTOCOL, Phase.GREETING),
        (saying(b"220 hi\r\n" + b"250 early\r\n"), Kind.PROTOCOL, Phase.HELLO),
        (saying(), Kind.TIMEOUT, Phase.GREETING),
    ],
)
async def test_what_goes_wrong_is_a_failure_that_names_kind_and_phase(
    autojump_clock: MockClock, script: Script, kind: Kind, phase: Phase
) -> None:
    async with dialling(script) as some:
        with pytest.raises(Failure) as caught:
            await dialled(some)
        assert (caught.value.diagnosis.kind, caught.value.diagnosis.phase) == (kind, phase)


async def test_nobody_there_is_a_failure_to_connect(autojump_clock: MockClock) -> None:
    async with dialling(saying()) as some:
        with pytest.raises(Failure) as caught:
            await some.open(Target("mx.example.org", "198.51.100.99", 25))
        assert caught.value.diagnosis.kind is Kind.CONNECT


async def test_a_host_that_knows_no_ehlo_is_told_helo(autojump_clock: MockClock) -> None:
    async with dialling(saying(b"220 hi\r\n", b"502 what?\r\n", b"250 hello\r\n")) as some:
        hop = await dialled(some)
        assert hop.usable
        assert not hop.client.pipelining


async def test_tls_is_used_where_it_is_offered(autojump_clock: MockClock) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.example.org").configure_cert(context)

    async def serve(connection: Connection) -> None:
        for reply in (b"220 hi\r\n", b"250-hello\r\n250 STARTTLS\r\n", b"220 go\r\n"):
            await connection.send_all(reply)
            if not reply.endswith(b"go\r\n"):
                await connection.receive_some()
        stream = await accept_tls(connection, context)
        assert (await stream.receive_some()).startswith(b"EHLO ")
        await stream.send_all(b"250 hello again\r\n")
        await trio.sleep_forever()

    async with dialling(serve) as some:
        hop = await dialled(some)
        assert hop.tls is not None
        assert hop.usable


@pytest.mark.parametrize(
    ("policy", "kind"),
    [(TlsPolicy.OPPORTUNISTIC, None), (TlsPolicy.REQUIRED, Kind.TLS_UNAVAILABLE), (TlsPolicy.DISABLED, None)],
)
async def test_the_policy_decides_what_a_host_without_tls_gets(
    autojump_clock: MockClock, policy: TlsPolicy, kind: Kind | None
) -> None:
    async with dialling(saying(b"220 hi\r\n", b"250 hello\r\n"), policy) as some:
        if kind is None:
            assert (await dialled(some)).usable
        else:
            with pytest.raises(Failure) as caught:
                await dialled(some)
            assert caught.value.diagnosis.kind is kind


async def test_a_broken_handshake_is_followed_by_a_connection_in_clear(autojump_clock: MockClock) -> None:
    script = saying(b"220 hi\r\n", b"250-hello\r\n250 STARTTLS\r\n", b"220 go\r\n", b"this is no TLS\r\n")
    async with dialling(script) as some:
        hop = await dialled(some)
        assert hop.tls is None
        assert hop.usable


async def test_required_tls_never_goes_on_in_clear(autojump_clock: MockClock) -> None:
    script = saying(b"220 hi\r\n", b"250-hello\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n")
    async with dialling(script, TlsPolicy.REQUIRED) as some:
        with pytest.raises(Failure) as caught:
            await dialled(some)
        assert caught.value.diagnosis.phase is Phase.STARTTLS


async def test_a_hop_is_closed_even_if_its_farewell_is_cancelled(autojump_clock: MockClock) -> None:
    async with dialling(saying(b"220 hi\r\n", b"250 hello\r\n")) as some:
        hop = await dialled(some)
        with trio.CancelScope() as scope:
            scope.cancel()
            await hop.quit()
        with pytest.raises(trio.ClosedResourceError):
            await hop.stream.send_all(b"x")
