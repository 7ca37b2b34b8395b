"""A simulated world as a whole: repeatable from its seed, and able to lose power."""

from functools import partial
from pathlib import PurePosixPath

import pytest
import trio
from attrs import define

from empath.sim import Conditions, SimulatedWorld, simulate
from empath.sim.clock import EPOCH
from empath.world import ConnectionLost, Endpoint, TcpEndpoint

PEER = TcpEndpoint("192.0.2.25", 25)
SPOOL = PurePosixPath("/spool")


@define
class Diary:
    """What happened, and when."""

    simulation: SimulatedWorld
    entries: list[tuple[float, str]]

    def note(self, text: str) -> None:
        self.entries.append((round(self.simulation.world.clock.now(), 6), text))


async def a_busy_day(seed: int) -> list[tuple[float, str]]:
    """Let clients with random habits talk to a server with a random connection, some through faults."""
    simulation = SimulatedWorld(seed)
    world, diary = simulation.world, Diary(simulation, [])
    peer = simulation.network.host(PEER.host)
    simulation.network.usual = Conditions(latency_s=0.03)
    listener = await peer.listen(PEER)

    async def serve() -> None:
        while True:
            connection = await listener.accept()
            nursery.start_soon(echo, connection)

    async def echo(connection: trio.abc.Stream) -> None:
        try:
            while data := await connection.receive_some():
                diary.note(f"server got {len(data)}")
                await connection.send_all(data)
        except ConnectionLost as error:
            diary.note(f"server lost {error}")

    async def client(number: int) -> None:
        await trio.sleep(world.entropy.rng.expovariate(1))
        connection = await world.network.connect(PEER)
        try:
            for _ in range(5):
                await connection.send_all(bytes(world.entropy.rng.randint(1, 100)))
                diary.note(f"client {number} got {len(await connection.receive_some())}")
        except ConnectionLost as error:
            diary.note(f"client {number} lost {error}")
        await connection.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with trio.open_nursery() as clients:
            for number in range(10):
                clients.start_soon(client, number)
            await trio.sleep(1)
            for link in simulation.network.links[::2]:
                link.reset()
        nursery.cancel_scope.cancel()
    return diary.entries


def day(seed: int) -> list[tuple[float, str]]:
    return simulate(partial(a_busy_day, seed), seed=seed)


def test_the_same_seed_brings_the_same_facts_in_the_same_order() -> None:
    for seed in range(5):
        assert day(seed) == day(seed)


def test_different_seeds_bring_different_days() -> None:
    days = [day(seed) for seed in range(5)]
    assert len({tuple(facts) for facts in days}) == 5
    assert any("lost" in fact for facts in days for _, fact in facts)


async def test_the_clock_runs_with_trio_and_can_be_set(autojump_clock: trio.testing.MockClock) -> None:
    simulation = SimulatedWorld(1)
    assert simulation.world.clock.now() == EPOCH
    await trio.sleep(3600)
    assert simulation.world.clock.now() == EPOCH + 3600
    simulation.clock.step(-86400)
    assert simulation.world.clock.now() == EPOCH + 3600 - 86400


async def test_losing_power_resets_connections_and_forgets_what_was_not_synced() -> None:
    simulation = SimulatedWorld(1)
    world = simulation.world
    peer = simulation.network.host(PEER.host)
    listener = await peer.listen(PEER)
    own = await world.network.listen(TcpEndpoint("192.0.2.1", 25))
    outgoing = await world.network.connect(listener.endpoint)
    incoming = await peer.connect(own.endpoint)
    await world.disk.make_directory(SPOOL)
    await world.disk.write(SPOOL / "kept", [b"kept"])
    draft = await world.disk.create(SPOOL / "draft")
    await draft.write(b"never committed")
    simulation.crash()
    for connection in (outgoing, incoming):
        with pytest.raises(ConnectionLost):
            await connection.receive_some()
    assert await world.disk.list(SPOOL) == ("kept",)
    again = await world.network.listen(own.endpoint)
    assert again.endpoint == own.endpoint


async def test_both_families_of_the_host_can_be_dialled() -> None:
    simulation = SimulatedWorld(1)
    peer = simulation.network.host("192.0.2.25", "2001:db8::25")
    endpoints: list[Endpoint] = []
    for address in peer.addresses:
        listener = await peer.listen(TcpEndpoint(address, 25))
        await simulation.world.network.connect(listener.endpoint)
        endpoints.append((await listener.accept()).remote)
    assert [str(endpoint).rpartition(":")[0] for endpoint in endpoints] == ["192.0.2.1", "[2001:db8::1]"]
