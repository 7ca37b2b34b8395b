import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.ingress.limits.parting import MOST_BYTES, Partings
from empath.sim import SimulatedWorld
from empath.world import ConnectionLost, TcpEndpoint
from empath.world.ports import Connection

ENTRANCE = TcpEndpoint("192.0.2.1", 25)


async def pair() -> tuple[Connection, Connection]:
    """A client's end and ours."""
    world = SimulatedWorld(seed=1)
    world.network.usual = evolve(world.network.usual, buffer_bytes=100_000)
    async with await world.host.listen(ENTRANCE) as listener:
        client = await world.network.host("192.0.2.200").connect(ENTRANCE)
        return client, await listener.accept()


async def test_it_is_over_when_the_client_closes(autojump_clock: MockClock) -> None:
    client, ours = await pair()
    await ours.send_all(b"421 closing\r\n")
    await client.send_all(b"NOOP\r\n" * 1000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Partings(60, most=2).part, ours)
        await trio.sleep(10)
        assert await client.receive_some() == b"421 closing\r\n"
        assert await client.receive_some() == b""
        await client.aclose()
    assert trio.current_time() < 11


async def test_one_that_never_closes_is_waited_for_no_longer_than_that(autojump_clock: MockClock) -> None:
    _, ours = await pair()
    await Partings(60, most=2).part(ours)
    assert trio.current_time() == pytest.approx(60, abs=1)


async def test_one_that_goes_on_sending_is_not_listened_to_for_ever(autojump_clock: MockClock) -> None:
    client, ours = await pair()
    sent = 0

    async def flood() -> None:
        nonlocal sent
        try:
            while True:
                await client.send_all(b"x" * 10_000)
                sent += 10_000
        except ConnectionLost:
            return

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flood)
        await Partings(3600, most=2).part(ours)
        ours.close()
    assert trio.current_time() < 3600
    assert MOST_BYTES <= sent < MOST_BYTES + 500_000


async def test_when_the_daemon_stops_nobody_is_waited_for_any_more(autojump_clock: MockClock) -> None:
    _, ours = await pair()
    _, later = await pair()
    partings = Partings(60, most=2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partings.part, ours)
        await trio.sleep(10)
        partings.hasten()
        await partings.part(later)
    assert trio.current_time() == pytest.approx(10, abs=1)


async def test_with_many_at_once_some_are_not_waited_for(autojump_clock: MockClock) -> None:
    partings = Partings(60, most=2)
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(partings.part, (await pair())[1])
        await trio.sleep(1)
        await partings.part((await pair())[1])
        assert trio.current_time() < 2
    await partings.part((await pair())[1])
    assert trio.current_time() > 100


async def test_one_that_has_gone_already_is_no_trouble(autojump_clock: MockClock) -> None:
    client, ours = await pair()
    await ours.send_all(b"421 closing\r\n")
    client.close()
    await trio.sleep(1)
    await Partings(60, most=2).part(ours)
    assert trio.current_time() < 5
