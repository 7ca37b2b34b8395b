"""Every sync of the disk takes half a minute, or longer than clients wait: who waits for one waits, and nobody else.

In virtual time, with the queue on the simulated disk.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import TypeVar

import pytest
import trio
from attrs import define, evolve

from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.world.disk import DurableDisk
from tests.sim.stage import BACKENDS, ENTRANCE, Stage, simulated, store_on

T = TypeVar("T")

SYNC_S = 30.0
AT_ONCE_S = 5.0
CLIENT_WAITS_S = 600.0
"""For the answer to the final dot (RFC 5321 4.5.3.2.6)."""
LARGE = b"x" * 70 + b"\r\n"


@define(eq=False)
class SlowOffload:
    """Does what is asked of it here, and takes its time if the disk was to sync something."""

    files: SimulatedFiles
    sync_s: float

    async def run(self, function: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint_if_cancelled()
        self.files.history.clear()
        done = function()
        syncs = sum(call.startswith("sync") for call, _ in self.files.history)
        with trio.CancelScope(shield=True):
            await trio.sleep(self.sync_s * syncs)
        return done

    def own(self, name: str, *, threads: int) -> "SlowOffload":
        return self


@define(eq=False)
class Slow:
    """A stage on a disk that becomes slow."""

    stage: Stage
    offload: SlowOffload

    async def offer(self, *tokens: str, body: bytes = b"Hello\r\n") -> float:
        """Bring messages at the same time, all of which must be accepted; how long the last of them took."""
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for token in tokens:
                nursery.start_soon(self._offer, token, body)
        return trio.current_time() - began

    async def _offer(self, token: str, body: bytes) -> None:
        await self.stage.send(token, "bob@example.org", body=body)


@asynccontextmanager
async def slow(backend: str, sync_s: float) -> AsyncIterator[Slow]:
    stage = Stage(1)
    stage.site("example.org")
    simulation = stage.simulation
    await simulation.world.disk.make_directory(stage.config.queue_path)
    offload = SlowOffload(simulation.files, 0.0)
    disk = DurableDisk(simulation.files, offload, simulation.entropy)
    simulation.world = evolve(simulation.world, offload=offload, disk=disk)
    with closing(SimulatedVfs(simulation.files)) as vfs:
        stage.open_store = store_on(vfs, backend)
        async with stage.play():
            offload.sync_s = sync_s
            yield Slow(stage, offload)
            offload.sync_s = 0.0


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.mark.parametrize("body", [b"Hello\r\n", LARGE * 5000], ids=["small", "large"])
@simulated
async def test_who_offers_a_message_waits_and_all_of_them_are_delivered_once(backend: str, body: bytes) -> None:
    async with slow(backend, SYNC_S) as place:
        assert await place.offer("m1", body=body) >= SYNC_S
        await place.offer(*[f"m{number}" for number in range(2, 8)], body=body)
        await trio.sleep(20 * SYNC_S)
        assert len(place.stage.taken) == 7
    assert len(place.stage.taken) == 7
    assert len(place.stage.ended) == 7


@simulated
async def test_those_who_wait_share_a_sync_of_the_database() -> None:
    async with slow("sqlite", SYNC_S) as place:
        alone_s = await place.offer("m1")
        assert await place.offer(*[f"m{number}" for number in range(2, 22)]) < 4 * alone_s


@simulated
async def test_other_sessions_are_served_meanwhile(backend: str) -> None:
    async with slow(backend, SYNC_S) as place, trio.open_nursery() as nursery:
        nursery.start_soon(place.offer, "m1")
        await trio.sleep(1.0)
        with trio.fail_after(AT_ONCE_S):
            async with await place.stage.client.host.connect(ENTRANCE) as stream:
                assert (await stream.receive_some()).startswith(b"220 ")
                for command, code in ((b"EHLO client.example\r\n", b"250"), (b"MAIL FROM:<a@b.example>\r\n", b"250 ")):
                    await stream.send_all(command)
                    assert (await stream.receive_some()).startswith(code)
        assert not place.stage.client.ledger


@simulated
async def test_a_message_whose_client_has_given_up_is_delivered_once_and_all_is_well_afterwards(backend: str) -> None:
    """The client may offer it again, and then it is another one (RFC 1047)."""
    async with slow(backend, 2 * CLIENT_WAITS_S) as place:
        with trio.move_on_after(CLIENT_WAITS_S):
            await place.offer("m1")
        assert [one.token for one in place.stage.client.unheard] == ["m1"]
        await trio.sleep(20 * CLIENT_WAITS_S)
        assert len(place.stage.taken) == 1
        place.offload.sync_s = 0.0
        assert await place.offer("m2") < AT_ONCE_S
