"""The Network port: real sockets on loopback, and two hosts of a simulated internet."""

import os
import socket

import pytest
import trio
from trio.testing import check_half_closeable_stream, wait_all_tasks_blocked

from empath.world import (
    ConnectFailed,
    Connection,
    ConnectionLost,
    ListenFailed,
    LocalNetworkFault,
    TcpEndpoint,
)
from empath.world.streams import SocketConnection
from tests.contracts.places import Place


async def clog(end: Connection) -> None:
    """Fill all buffers on the way, until nothing more goes in; with a real socket, for some time."""
    tries = 3 if isinstance(end, SocketConnection) else 1
    in_vain = 0
    while in_vain < tries:
        with trio.move_on_after(0.01):
            await end.send_all(bytes(4096))
            in_vain = -1
        in_vain += 1


def fix_buffers(end: Connection) -> None:
    """Keep the system from moving the buffers of a real socket about as it sees fit."""
    if isinstance(end, SocketConnection):
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end._socket.setsockopt(socket.SOL_SOCKET, option, 16384)


async def test_a_connection_keeps_the_promises_of_trio_streams(place: Place) -> None:
    async def clogged() -> tuple[Connection, Connection]:
        ends = await place.pair()
        for end in ends:
            fix_buffers(end)
        for end in ends:
            await clog(end)
        return ends

    await check_half_closeable_stream(place.pair, clogged)


async def test_both_ends_know_each_other(place: Place) -> None:
    listener = await place.server.listen(place.any_port)
    async with listener, await place.client.connect(listener.endpoint) as client, await listener.accept() as server:
        assert isinstance(listener.endpoint, TcpEndpoint)
        assert listener.endpoint.port != 0
        assert client.remote == server.local == listener.endpoint
        assert client.local == server.remote
        assert client.local != client.remote


async def test_nobody_listening_is_a_failure_of_the_far_end(place: Place) -> None:
    listener = await place.server.listen(place.any_port)
    await listener.aclose()
    with pytest.raises(ConnectFailed, match="refused") as failure:
        await place.client.connect(listener.endpoint)
    assert failure.value.endpoint == listener.endpoint


async def test_the_source_address_can_be_chosen(place: Place) -> None:
    async with await place.server.listen(place.any_port) as listener:
        for host in place.client_hosts:
            async with await place.client.connect(listener.endpoint, source=host), await listener.accept() as server:
                assert isinstance(server.remote, TcpEndpoint)
                assert server.remote.host == host


async def test_a_source_address_that_is_not_ours_is_a_fault_of_ours(place: Place) -> None:
    async with await place.server.listen(place.any_port) as listener:
        with pytest.raises(LocalNetworkFault, match=place.foreign_host):
            await place.client.connect(listener.endpoint, source=place.foreign_host)


async def test_a_port_that_is_taken_is_reported_as_taken(place: Place) -> None:
    async with await place.server.listen(place.any_port) as listener:
        with pytest.raises(ListenFailed, match="taken by") as failure:
            await place.server.listen(listener.endpoint)
        assert failure.value.taken


async def test_an_address_that_is_not_ours_cannot_be_listened_on(place: Place) -> None:
    with pytest.raises(ListenFailed) as failure:
        await place.server.listen(TcpEndpoint(place.foreign_host, 0))
    assert not failure.value.taken


async def test_a_port_is_free_again_when_its_listener_is_closed(place: Place) -> None:
    listener = await place.server.listen(place.any_port)
    async with await place.client.connect(listener.endpoint):
        await listener.aclose()
        await (await place.server.listen(listener.endpoint)).aclose()


async def test_all_addresses_can_be_listened_on_at_once(place: Place) -> None:
    async with await place.server.listen(TcpEndpoint("0.0.0.0", 0)) as listener:
        assert isinstance(listener.endpoint, TcpEndpoint)
        target = TcpEndpoint(place.server_host, listener.endpoint.port)
        async with await place.client.connect(target), await listener.accept() as server:
            assert server.local == target


async def test_loopback_is_there_without_being_configured(place: Place) -> None:
    async with (
        await place.server.listen(TcpEndpoint("127.0.0.1", 0)) as listener,
        await place.server.connect(listener.endpoint) as client,
        await listener.accept() as server,
    ):
        await client.send_all(b"hello")
        assert await server.receive_some() == b"hello"


async def test_unix_sockets_carry_the_same_streams(place: Place) -> None:
    async with await place.server.listen(place.path) as listener:
        assert listener.endpoint == place.path
        async with await place.server.connect(place.path) as client, await listener.accept() as server:
            assert client.remote == server.local == server.remote == place.path
            await client.send_all(b"hello")
            assert await server.receive_some() == b"hello"
    with pytest.raises(ConnectFailed):
        await place.server.connect(place.path)


async def test_who_is_at_the_other_end_is_known_of_a_unix_socket_only(place: Place) -> None:
    for endpoint, user in ((place.path, os.geteuid()), (TcpEndpoint("127.0.0.1", 0), None)):
        async with (
            await place.server.listen(endpoint) as listener,
            await place.server.connect(listener.endpoint),
            await listener.accept() as server,
        ):
            known = server.credentials()
            assert (known and known.user) == user
            assert known is None or os.getegid() in known.groups


async def test_a_unix_socket_in_use_is_not_taken_over(place: Place) -> None:
    async with await place.server.listen(place.path):
        with pytest.raises(ListenFailed) as failure:
            await place.server.listen(place.path)
        assert failure.value.taken


async def test_closing_a_listener_ends_a_task_that_waits_in_accept(place: Place) -> None:
    async def accept_until_closed() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await listener.accept()

    listener = await place.server.listen(place.any_port)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept_until_closed)
        await wait_all_tasks_blocked()
        await listener.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept()


async def test_connections_wait_until_they_are_accepted(place: Place) -> None:
    async with await place.server.listen(place.any_port) as listener:
        clients = [await place.client.connect(listener.endpoint) for _ in range(3)]
        for client in clients:
            server = await listener.accept()
            assert server.remote == client.local
            await server.aclose()
            await client.aclose()


async def test_closing_on_unread_bytes_resets_the_connection(place: Place) -> None:
    client, server = await place.pair()
    await client.send_all(b"x" * 1000)
    assert await server.receive_some(1) == b"x"
    server.close()
    with pytest.raises(ConnectionLost) as failure:
        await client.receive_some()
    assert isinstance(failure.value, trio.BrokenResourceError)
    await client.aclose()


async def test_close_wakes_those_who_wait_and_may_be_repeated(place: Place) -> None:
    async def receive_until_closed() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await client.receive_some()

    client, server = await place.pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_until_closed)
        await wait_all_tasks_blocked()
        client.close()
    client.close()
    assert await server.receive_some() == b""
    await server.aclose()


async def come(connection: Connection) -> None:
    """Wait until something has come, without taking it."""
    while not connection.has_news():  # noqa: ASYNC110  there is nothing else to wait for
        await trio.sleep(0.001)


async def test_a_connection_tells_of_news_and_takes_nothing_away(place: Place) -> None:
    client, server = await place.pair()
    async with client, server:
        assert not client.has_news()
        await server.send_all(b"hello")
        await come(client)
        assert client.has_news()
        assert await client.receive_some() == b"hello"
        assert not client.has_news()
        await server.aclose()
        await come(client)
        assert await client.receive_some() == b""
        assert client.has_news()
