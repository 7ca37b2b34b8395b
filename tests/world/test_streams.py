"""What connections over sockets promise beyond the port: when they yield, and that nothing is lost by it."""

import socket
from collections.abc import Iterator

import pytest
import trio

from empath.world import TcpEndpoint
from empath.world.streams import SocketConnection, Turns

HERE = TcpEndpoint("127.0.0.1", 25)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


def connection(sock: socket.socket, burst: int) -> SocketConnection:
    return SocketConnection(sock, local=HERE, remote=HERE, turns=Turns(burst))


async def count_turns(turns: list[None]) -> None:
    while True:
        turns.append(None)
        await trio.lowlevel.checkpoint()


async def test_a_burst_of_calls_that_need_not_wait_lets_others_run_once(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    reader, _ = connection(pair[0], burst=10), pair[1].send(bytes(100))
    turns: list[None] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns, turns)
        await trio.lowlevel.checkpoint()
        turns.clear()
        for _ in range(100):
            assert await reader.receive_some(1) == b"\0"
        assert 9 <= len(turns) <= 11
        nursery.cancel_scope.cancel()


async def test_waiting_counts_as_having_let_others_run(pair: tuple[socket.socket, socket.socket]) -> None:
    reader, writer = connection(pair[0], burst=3), connection(pair[1], burst=3)

    async def send_soon() -> None:
        await trio.testing.wait_all_tasks_blocked()
        await writer.send_all(b"abc")

    turns: list[None] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_soon)
        await reader.receive_some(1)
        nursery.start_soon(count_turns, turns)
        await reader.receive_some(1)
        await reader.receive_some(1)
        assert turns == []
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("burst", [1, 16])
async def test_a_cancelled_task_is_stopped_before_it_takes_or_gives_anything(
    pair: tuple[socket.socket, socket.socket], burst: int
) -> None:
    reader, writer = connection(pair[0], burst), connection(pair[1], burst)
    await writer.send_all(b"a")
    assert await reader.receive_some() == b"a"
    await writer.send_all(b"b")
    with trio.CancelScope() as scope:
        scope.cancel()
        await reader.receive_some()
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.send_all(b"c")
    pair[1].shutdown(socket.SHUT_WR)
    assert await reader.receive_some() == b"b"
    assert await reader.receive_some() == b""


async def test_nothing_is_an_error_of_the_caller_but_less_than_one_byte(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await connection(pair[0], burst=1).receive_some(0)
