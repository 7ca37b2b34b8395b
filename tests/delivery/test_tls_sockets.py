"""A sample of TLS policies over real sockets, with certificates of every kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from empath.delivery import Dialling
from empath.mail.failure import Failure
from empath.policy.encryption.tls import TlsPolicy
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.world import TcpEndpoint
from empath.world.network import SystemNetwork
from tests.delivery.dials import dialling_in
from tests.delivery.shown import HOST, ca_file, server_side, tlsa
from tests.delivery.tls_hosts import TlsHost, serving

# What a host says in clear before the handshake, then inside TLS, to a client that only comes and goes.
IN_CLEAR = (b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", b"220 go\r\n")
INSIDE = (b"250 hi\r\n", b"221 bye\r\n")

# kind of certificate -> what comes of it if the certificate must be of an authority and for the name
CERTIFICATES = {
    "good": "encrypted",
    "intermediate": "encrypted",
    "wrong name": "tls_untrusted",
    "expired": "tls_untrusted",
    "unknown": "tls_untrusted",
}


@asynccontextmanager
async def host_with(kind: str) -> AsyncIterator[tuple[TlsHost, Target]]:
    async with await SystemNetwork().listen(TcpEndpoint("127.0.0.1", 0)) as listener:
        assert isinstance(listener.endpoint, TcpEndpoint)
        target = Target(HOST, "127.0.0.1", listener.endpoint.port, host_secure=True, address_secure=True)
        async with serving(TlsHost(server_side(kind)), listener) as host:
            yield host, target


async def verdict(dialling: Dialling, target: Target) -> str:
    try:
        hop = await dialling.open(target)
    except Failure as problem:
        return problem.diagnosis.kind.value
    await hop.quit()
    return "clear" if hop.tls is None else "encrypted"


@pytest.mark.parametrize(("kind", "expected"), CERTIFICATES.items())
async def test_certificates_over_sockets(tmp_path: Path, kind: str, expected: str) -> None:
    world = SimulatedWorld(1)
    world.zones.signed.add("org")
    async with host_with(kind) as (host, target):

        def dialling(policy: TlsPolicy) -> Dialling:
            return dialling_in(world, policy, ca_file=ca_file(tmp_path), network=SystemNetwork())

        assert await verdict(dialling(TlsPolicy.OPPORTUNISTIC), target) == "encrypted"
        assert await verdict(dialling(TlsPolicy.VERIFIED), target) == expected
        assert await verdict(dialling(TlsPolicy.DANE), target) == "tls_untrusted"
        world.zones.add(f"_{target.port}._tcp.{HOST}", "TLSA", tlsa(kind))
        assert await verdict(dialling(TlsPolicy.DANE), target) == "encrypted"
        world.zones.add(f"_{target.port}._tcp.{HOST}", "TLSA", tlsa("good" if kind == "unknown" else "unknown"))
        assert await verdict(dialling(TlsPolicy.OPPORTUNISTIC), target) == "tls_untrusted"
        assert host.heard_of_the_envelope == []
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("takes_leave", [True, False])
async def test_an_end_in_good_order_is_announced_inside_tls_and_no_other_is(*, takes_leave: bool) -> None:
    ends: list[str] = []

    async def serve(listener: trio.abc.Listener[trio.abc.HalfCloseableStream]) -> None:
        connection = await listener.accept()
        for line in IN_CLEAR:
            await connection.send_all(line)
            if line != IN_CLEAR[-1]:
                await connection.receive_some()
        # Of all TLS streams this one is strict about the end: RFC 8446 6.1 to the letter.
        stream = trio.SSLStream(connection, server_side("good"), server_side=True)
        await stream.receive_some()
        await stream.send_all(INSIDE[0])
        try:
            while await stream.receive_some():
                await stream.send_all(INSIDE[1])
            ends.append("announced")
        except trio.BrokenResourceError:
            ends.append("cut off")
        await trio.aclose_forcefully(connection)

    async with await SystemNetwork().listen(TcpEndpoint("127.0.0.1", 0)) as listener, trio.open_nursery() as nursery:
        assert isinstance(listener.endpoint, TcpEndpoint)
        nursery.start_soon(serve, listener)
        target = Target(HOST, "127.0.0.1", listener.endpoint.port)
        hop = await dialling_in(SimulatedWorld(1), network=SystemNetwork()).open(target)
        if takes_leave:
            await hop.quit()
        else:
            await trio.aclose_forcefully(hop.stream)
    assert ends == ["announced" if takes_leave else "cut off"]
