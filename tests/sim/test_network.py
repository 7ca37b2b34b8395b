"""What the simulated network does beyond the contract: distance, narrowness, and faults."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock

from empath.sim import Conditions, Reach, VirtualHost, VirtualNetwork
from empath.sim.link import Link
from empath.world import ConnectFailed, Connection, ConnectionLost, TcpEndpoint

SERVER = TcpEndpoint("192.0.2.25", 25)


@frozen
class Wire:
    """A network of two hosts and a connection between them."""

    network: VirtualNetwork
    here: VirtualHost
    there: VirtualHost
    client: Connection
    server: Connection

    @property
    def link(self) -> Link:
        return self.network.links[0]


async def wire(conditions: Conditions | None = None) -> Wire:
    network = VirtualNetwork(conditions or Conditions())
    here, there = network.host("192.0.2.1"), network.host("192.0.2.25")
    listener = await there.listen(SERVER)
    client = await here.connect(SERVER)
    return Wire(network, here, there, client, await listener.accept())


async def duration(call: Callable[[], Awaitable[object]]) -> float:
    """Return how long a call takes, in virtual seconds."""
    started = trio.current_time()
    await call()
    return trio.current_time() - started


async def test_connecting_takes_a_way_there_and_back(autojump_clock: MockClock) -> None:
    assert await duration(lambda: wire(Conditions(latency_s=0.2))) == pytest.approx(0.4)


async def test_bytes_take_one_way(autojump_clock: MockClock) -> None:
    ends = await wire(Conditions(latency_s=0.2))
    assert await duration(lambda: ends.client.send_all(b"x")) == 0
    assert await duration(ends.server.receive_some) == pytest.approx(0.2)


async def test_a_narrow_way_lets_bytes_through_one_after_the_other(autojump_clock: MockClock) -> None:
    ends = await wire(Conditions(latency_s=0.5, bytes_per_s=1000))
    for _ in range(3):
        await ends.client.send_all(bytes(1000))
    assert await duration(ends.server.receive_some) == pytest.approx(1.5)
    assert await duration(ends.server.receive_some) == pytest.approx(1.0)


async def test_the_end_comes_after_all_bytes_and_not_before(autojump_clock: MockClock) -> None:
    ends = await wire(Conditions(latency_s=0.2, bytes_per_s=1000))
    await ends.client.send_all(bytes(1000))
    await ends.client.aclose()
    assert len(await ends.server.receive_some()) == 1000
    assert await ends.server.receive_some() == b""
    assert await ends.server.receive_some() == b""


async def test_a_writer_waits_while_the_reader_does_not_read(autojump_clock: MockClock) -> None:
    ends = await wire(Conditions(buffer_bytes=1000))
    with trio.move_on_after(10) as scope:
        await ends.client.send_all(bytes(1500))
    assert scope.cancelled_caught
    assert len(await ends.server.receive_some(600)) == 600
    assert await duration(lambda: ends.client.send_all(bytes(600))) == 0


@pytest.mark.parametrize(
    ("reach", "reason", "after_s"),
    [
        (Reach.REFUSED, "Connection refused", 0.2),
        (Reach.UNREACHABLE, "No route to host", 0.2),
        (Reach.BLACKHOLE, "Connection timed out", 127.2),
    ],
)
async def test_an_address_can_be_out_of_reach(
    autojump_clock: MockClock, reach: Reach, reason: str, after_s: float
) -> None:
    ends = await wire()
    ends.network.conditions["192.0.2.25"] = Conditions(latency_s=0.1, reach=reach)
    started = trio.current_time()
    with pytest.raises(ConnectFailed, match=reason):
        await ends.here.connect(SERVER)
    assert trio.current_time() - started == pytest.approx(after_s)
    await ends.client.send_all(b"what stands is not touched")
    assert await ends.server.receive_some()


async def test_an_address_that_nobody_has_cannot_be_reached(autojump_clock: MockClock) -> None:
    ends = await wire()
    with pytest.raises(ConnectFailed, match="No route to host"):
        await ends.here.connect(TcpEndpoint("192.0.2.77", 25))
    with pytest.raises(ConnectFailed, match="Network is unreachable"):
        await ends.here.connect(TcpEndpoint("2001:db8::25", 25))


async def test_a_reset_breaks_both_ends_and_loses_what_was_under_way(autojump_clock: MockClock) -> None:
    ends = await wire()
    await ends.client.send_all(b"lost")
    ends.link.reset()
    for end in (ends.client, ends.server):
        with pytest.raises(ConnectionLost, match="reset"):
            await end.receive_some()
        with pytest.raises(ConnectionLost, match="reset"):
            await end.send_all(b"x")


async def test_a_reset_wakes_those_who_wait(autojump_clock: MockClock) -> None:
    async def receive() -> None:
        with pytest.raises(ConnectionLost):
            await ends.server.receive_some()

    async def send() -> None:
        with pytest.raises(ConnectionLost):
            await ends.server.send_all(bytes(100))

    ends = await wire(Conditions(buffer_bytes=10))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        nursery.start_soon(send)
        await trio.sleep(1)
        ends.link.reset()


async def test_a_stalled_way_delivers_late_and_loses_nothing(autojump_clock: MockClock) -> None:
    ends = await wire()
    ends.link.stall()
    await ends.client.send_all(b"late")
    with trio.move_on_after(60) as scope:
        await ends.server.receive_some()
    assert scope.cancelled_caught
    ends.link.resume()
    assert await ends.server.receive_some() == b"late"


async def test_a_cut_way_delivers_nothing_and_tells_nobody(autojump_clock: MockClock) -> None:
    ends = await wire(Conditions(buffer_bytes=1000))
    ends.link.cut()
    ends.link.resume()
    await ends.client.send_all(bytes(1000))
    with trio.move_on_after(3600) as receiving:
        await ends.server.receive_some()
    with trio.move_on_after(3600) as sending:
        await ends.client.send_all(b"more than the buffers take")
    await ends.client.aclose()
    with trio.move_on_after(3600) as waiting_for_the_end:
        await ends.server.receive_some()
    assert all(scope.cancelled_caught for scope in (receiving, sending, waiting_for_the_end))


async def test_writing_to_an_end_that_was_closed_is_noticed_one_way_later(autojump_clock: MockClock) -> None:
    ends = await wire(Conditions(latency_s=0.2))
    await ends.server.aclose()
    await ends.client.send_all(b"into the void")
    await trio.sleep(0.2)
    with pytest.raises(ConnectionLost):
        await ends.client.send_all(b"x")


async def test_a_host_that_dies_takes_its_listeners_and_connections_along(autojump_clock: MockClock) -> None:
    ends = await wire()
    bystander = ends.network.host("192.0.2.77")
    other_listener = await bystander.listen(TcpEndpoint("192.0.2.77", 25))
    other = await ends.here.connect(other_listener.endpoint)
    ends.there.crash()
    with pytest.raises(ConnectionLost):
        await ends.client.receive_some()
    with pytest.raises(ConnectFailed, match="refused"):
        await ends.here.connect(SERVER)
    await other.send_all(b"unharmed")
    assert await (await other_listener.accept()).receive_some() == b"unharmed"


async def test_a_full_queue_of_connections_makes_others_dial_again(autojump_clock: MockClock) -> None:
    network = VirtualNetwork()
    here, there = network.host("192.0.2.1"), network.host("192.0.2.25")
    listener = await there.listen(SERVER)
    while listener.has_room:
        await here.connect(SERVER)
    with trio.move_on_after(10) as scope:
        await here.connect(SERVER)
    assert scope.cancelled_caught
    await listener.accept()
    assert await duration(lambda: here.connect(SERVER)) <= 1


async def test_links_are_forgotten_when_both_ends_are_closed(autojump_clock: MockClock) -> None:
    ends = await wire()
    await ends.client.aclose()
    assert len(ends.network.links) == 1
    await ends.server.aclose()
    assert not ends.network.links
