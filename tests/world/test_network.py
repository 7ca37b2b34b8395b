"""What the real network promises beyond the port: Unix sockets on the file system, shortages, and who holds a port."""

import os
import resource
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from empath.world import ConnectFailed, ListenFailed, LocalNetworkFault, TcpEndpoint, UnixEndpoint
from empath.world.holder import holder_of
from empath.world.network import SystemNetwork
from empath.world.prepared import Prepared
from empath.world.streams import SocketConnection

ANY_PORT = TcpEndpoint("127.0.0.1", 0)


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Let every call fail that needs a new file descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_accepting_pauses_while_descriptors_are_short_and_then_goes_on() -> None:
    network = SystemNetwork()
    async with await network.listen(ANY_PORT) as listener, await network.connect(listener.endpoint) as client:
        with no_more_descriptors(), trio.move_on_after(0.15):
            await listener.accept()
        assert listener.pauses >= 1
        async with await listener.accept() as server:
            assert server.remote == client.local


async def test_a_shortage_is_not_held_against_the_site_that_was_dialled() -> None:
    with no_more_descriptors(), pytest.raises(LocalNetworkFault, match="Too many open files"):
        await SystemNetwork().connect(TcpEndpoint("127.0.0.1", 25))


async def test_a_failed_or_cancelled_connect_leaves_no_descriptor_behind() -> None:
    network, before = SystemNetwork(), len(os.listdir("/proc/self/fd"))
    listener = await network.listen(ANY_PORT)
    await listener.aclose()
    with pytest.raises(ConnectFailed):
        await network.connect(listener.endpoint)
    with trio.CancelScope() as scope:
        scope.cancel()
        await network.connect(listener.endpoint)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_tcp_connections_send_without_delay() -> None:
    network = SystemNetwork()
    async with (
        await network.listen(ANY_PORT) as listener,
        await network.connect(listener.endpoint) as client,
        await listener.accept() as server,
    ):
        for end in (client, server):
            assert isinstance(end, SocketConnection)
            assert end._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_ipv6_is_a_network_of_its_own() -> None:
    network = SystemNetwork()
    try:
        listener = await network.listen(TcpEndpoint("::", 0))
    except ListenFailed:
        pytest.skip("this machine has no IPv6")
    async with listener:
        assert isinstance(listener.endpoint, TcpEndpoint)
        with pytest.raises(ConnectFailed):
            await network.connect(TcpEndpoint("127.0.0.1", listener.endpoint.port))
        async with await network.connect(TcpEndpoint("::1", listener.endpoint.port)), await listener.accept() as server:
            assert str(server.remote).startswith("[::1]:")


async def test_the_program_that_holds_a_port_is_named() -> None:
    network = SystemNetwork()
    async with await network.listen(ANY_PORT) as listener:
        with pytest.raises(ListenFailed, match=rf"taken by \S.* \(pid {os.getpid()}\)"):
            await network.listen(listener.endpoint)


async def test_a_shortage_while_listening_is_said_to_be_one() -> None:
    with no_more_descriptors(), pytest.raises(ListenFailed, match="Too many open files"):
        await SystemNetwork().listen(ANY_PORT)


async def test_a_family_that_the_machine_lacks_is_a_failure_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "AF_INET6", 9999)
    with pytest.raises(ListenFailed, match="Address family not supported"):
        await SystemNetwork().listen(TcpEndpoint("::1", 0))


async def test_a_socket_that_listens_already_is_taken_once() -> None:
    prepared = Prepared()
    prepared.bind([ANY_PORT])
    (endpoint,) = prepared.endpoints
    network = SystemNetwork(prepared=prepared)
    async with await network.listen(endpoint) as listener, await network.connect(endpoint):
        assert listener.endpoint == endpoint
        with pytest.raises(ListenFailed) as caught:
            await network.listen(endpoint)
        assert caught.value.taken


async def test_an_ipv4_client_of_a_socket_for_both_families_is_an_ipv4_client() -> None:
    prepared = Prepared()
    try:
        prepared.add(socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True))
    except OSError:
        pytest.skip("this machine has no IPv6")
    (endpoint,) = prepared.endpoints
    assert isinstance(endpoint, TcpEndpoint)
    network = SystemNetwork(prepared=prepared)
    async with (
        await network.listen(endpoint) as listener,
        await network.connect(TcpEndpoint("127.0.0.1", endpoint.port)) as client,
        await listener.accept() as server,
    ):
        assert (server.remote, server.local) == (client.local, client.remote)


async def test_a_unix_socket_of_the_service_manager_stays_where_it_is(tmp_path: Path) -> None:
    path, prepared = tmp_path / "socket", Prepared()
    prepared.bind([UnixEndpoint(str(path))])
    async with await SystemNetwork(prepared=prepared).listen(UnixEndpoint(str(path))):
        pass
    assert path.exists()


async def test_the_program_that_holds_a_unix_socket_is_named(tmp_path: Path) -> None:
    endpoint = UnixEndpoint(str(tmp_path / "socket"))
    async with await SystemNetwork().listen(endpoint):
        assert f"(pid {os.getpid()})" in (holder_of(endpoint) or "")


def test_where_nobody_listens_there_is_no_holder() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert holder_of(TcpEndpoint(*unused.getsockname())) is None


async def test_a_unix_socket_is_for_our_user_only_and_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with await SystemNetwork().listen(UnixEndpoint(str(path))):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_the_unix_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    endpoint = UnixEndpoint(str(path))
    async with await SystemNetwork().listen(endpoint), await SystemNetwork().connect(endpoint):
        pass


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("do not touch")
    with pytest.raises(ListenFailed):
        await SystemNetwork().listen(UnixEndpoint(str(path)))
    assert path.read_text() == "do not touch"
