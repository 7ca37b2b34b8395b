"""A viewer whose way is blocked for a while: what he is shown then, and when we have enough of him."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import msgspec
import trio
import trio.testing
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from empath.config.schema import LiveSettings
from empath.ops.api import Scope
from empath.ops.api.passes import Principal
from empath.ops.live import SUBPROTOCOL, Hub, Live
from empath.ops.live.tables import Rows

WHO = Principal("ann", frozenset(Scope))


@define
class Gate(trio.abc.Stream):
    """A stream that can be blocked: what is written waits until it is open."""

    inner: trio.abc.Stream
    opened: trio.Event = field(factory=trio.Event)

    def shut(self) -> None:
        self.opened = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.opened.wait()
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.opened.wait()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self.inner.aclose()


@asynccontextmanager
async def watched(settings: LiveSettings) -> AsyncIterator[tuple[Gate, Callable[..., Awaitable[dict[str, Any]]]]]:
    """A viewer of a table that has another value each second. Yields the way to him, and how to get his next frame."""
    hub = Hub(settings=settings, node="mx")

    async def source() -> Rows:
        await trio.lowlevel.checkpoint()
        return {"all": {"second": int(trio.current_time())}}

    async def still_holds(_: Principal) -> bool:
        await trio.lowlevel.checkpoint()
        return True

    hub.show({"things": source})
    live = Live(hub=hub, facts={}, now=trio.current_time, still_holds=still_holds, messages_per_s=10)
    ours, theirs = trio.testing.memory_stream_pair()
    gate = Gate(ours)
    gate.opened.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.run)
        nursery.start_soon(_serve, live, gate)
        # Any stream will do; the library's types name those that it opens itself.
        socket = await wrap_client_stream(
            nursery, cast("trio.SocketStream", theirs), "localhost", "/", subprotocols=[SUBPROTOCOL]
        )
        frame = partial(_frame, socket)
        assert (await frame())["t"] == "hello"
        await socket.send_message('{"op":"sub","id":1,"topic":"things"}')
        assert (await frame())["t"] == "snap"
        yield gate, frame
        await socket.aclose()
        nursery.cancel_scope.cancel()


async def _serve(live: Live, stream: trio.abc.Stream) -> None:
    """What the server of the API does with a viewer."""
    async with stream:
        await live.serve(stream, WHO)


async def _frame(socket: WebSocketConnection) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(await socket.get_message())
    return found


async def closing_code(frame: Callable[..., Awaitable[dict[str, Any]]]) -> int | None:
    """Read to the end, and return the code that it comes with."""
    for _ in range(1000):
        try:
            await frame()
        except ConnectionClosed as closed:
            return closed.reason.code if closed.reason else None
    raise AssertionError("it does not end")


async def test_who_is_slow_gets_fewer_frames_and_no_old_ones(autojump_clock: trio.testing.MockClock) -> None:
    async with watched(LiveSettings(send_timeout_s=60)) as (gate, frame):
        gate.shut()
        await trio.sleep(30)
        gate.opened.set()
        first, second = await frame(), await frame()
        now = int(trio.current_time())
        # The one that was on its way when the way was blocked, and then at once what is the case.
        assert (first["seq"], second["seq"]) == (2, 3)
        assert first["set"]["all"]["second"] < now - 25
        assert second["set"]["all"]["second"] >= now - 1


async def test_who_is_too_slow_hears_so_when_he_comes_to(autojump_clock: trio.testing.MockClock) -> None:
    async with watched(LiveSettings(send_timeout_s=10)) as (gate, frame):
        gate.shut()
        await trio.sleep(13)
        gate.opened.set()
        assert await closing_code(frame) == 1013


async def test_who_does_not_come_to_is_cut_off(autojump_clock: trio.testing.MockClock) -> None:
    async with watched(LiveSettings(send_timeout_s=10)) as (gate, frame):
        gate.shut()
        await trio.sleep(60)
        gate.opened.set()
        assert await closing_code(frame) == 1006
