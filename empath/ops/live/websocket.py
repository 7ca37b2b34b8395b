"""The connection to a viewer: RFC 6455, as trio-websocket speaks it, and the limits on it.

It begins as a request to the HTTP server, which has read the request already; so the octets are played to
trio-websocket once more, and then the connection itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import trio
from attrs import define, field, frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from empath.ops.api.passes import Principal
from empath.ops.live.hub import Hub
from empath.ops.live.protocol import SUBPROTOCOL, Close, bye
from empath.ops.live.viewer import MOST_ERRORS, Viewer
from empath.policy.bucket import TokenBucket

RETRY_AFTER_S: Final = 3.0
_LAST_CHANCE_S: Final = 5.0
"""How long a viewer who was too slow may still take to hear that he was."""
_GOODBYE_S: Final = 1.0
_LOOK_S: Final = 5.0
"""How often is looked whether the token or session that let a viewer in still would."""
_LOG: Final = logging.getLogger(__name__)


class _Ended(Exception):
    """This is to be closed, with a code and a reason (RFC 6455 5.5.1)."""

    def __init__(self, close: Close, reason: str) -> None:
        super().__init__(reason)
        self.close, self.reason = close, reason


class _CutOff(Exception):
    """The viewer is not there any more, or as good as that."""


@frozen(kw_only=True)
class Live:
    """Serves viewers. It is what a request becomes when it was allowed to become one."""

    hub: Hub
    facts: Mapping[str, object]
    """What the first frame says of the daemon."""
    now: Callable[[], float]
    """Wall clock."""
    still_holds: Callable[[Principal], Awaitable[bool]]
    messages_per_s: float
    """How much of what a viewer says is heard; he who says more is heard later."""

    async def serve(self, stream: trio.abc.Stream, who: Principal) -> None:
        """Serve a viewer until one of the two sides has enough."""
        async with trio.open_nursery() as nursery:
            # The reader answers our goodbye, so it must outlive a cancellation for that moment.
            inner, scope = await nursery.start(_hold)
            try:
                await self._serve(stream, who, inner)
            finally:
                scope.cancel()

    async def _serve(self, stream: trio.abc.Stream, who: Principal, nursery: trio.Nursery) -> None:
        settings, socket = self.hub.settings, None
        with trio.move_on_after(settings.send_timeout_s):
            request = await wrap_server_stream(nursery, stream, max_message_size=settings.max_message_bytes)
            socket = await request.accept(subprotocol=SUBPROTOCOL)
        if socket is None:
            return
        talk = _Talk(self, socket, who)
        try:
            await talk.run()
        except* (_CutOff, ConnectionClosed):
            _LOG.debug("%s watches no more", who.name)
        except* _Ended as group:
            ending = _first(group)
            _LOG.info("%s may watch no more: %s", who.name, ending.reason)
            with trio.move_on_after(_GOODBYE_S):
                await socket.aclose(ending.close.value, ending.reason)
        except* trio.Cancelled:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _GOODBYE_S):
                await _say_goodbye(socket)
            raise


async def _hold(task_status: trio.TaskStatus[tuple[trio.Nursery, trio.CancelScope]]) -> None:
    """Lend a nursery that a cancellation from outside does not reach."""
    with trio.CancelScope(shield=True) as scope:
        async with trio.open_nursery() as nursery:
            task_status.started((nursery, scope))
            await trio.sleep_forever()


async def _say_goodbye(socket: WebSocketConnection) -> None:
    try:
        await socket.send_message(bye("restart", RETRY_AFTER_S))
        await socket.aclose(Close.RESTART.value, "the daemon stops")
    except ConnectionClosed:
        return


def _first(group: BaseExceptionGroup[_Ended]) -> _Ended:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


@define(eq=False)
class _Talk:
    """One viewer and his connection."""

    _live: Live
    _socket: WebSocketConnection
    _who: Principal
    _viewer: Viewer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._viewer = Viewer(self._live.hub, self._who.scopes)

    async def run(self) -> None:
        hub = self._live.hub
        if hub.is_full:
            raise _Ended(Close.TOO_SLOW, "too many viewers")
        hub.enter(self._viewer)
        try:
            await self._send(self._hello())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._keep)
                nursery.start_soon(self._ping)
                await self._read()
        finally:
            hub.leave(self._viewer)
            self._viewer.leave()

    def _hello(self) -> str:
        hub = self._live.hub
        scopes = sorted(scope.value for scope in self._who.scopes)
        first = {"t": "hello", "proto": 1, **self._live.facts, "now": self._live.now(), "name": self._who.name}
        first |= {"scopes": scopes, "ping": hub.settings.ping_interval_s, "topics": hub.names}
        return msgspec.json.encode(first).decode()

    async def _read(self) -> None:
        rate = self._live.messages_per_s
        bucket = TokenBucket(rate, max(1, int(rate)))
        while True:
            text = await self._socket.get_message()
            await trio.sleep_until(bucket.ready_at)
            bucket.take(trio.current_time())
            self._viewer.hear(text)
            if self._viewer.errors >= MOST_ERRORS:
                raise _Ended(Close.NONSENSE, "too many messages that are not understood")

    async def _write(self) -> None:
        while True:
            await self._viewer.wait()
            for text in self._viewer.frames():
                await self._send(text)

    async def _send(self, text: str) -> None:
        """Send a frame. A frame that is half sent cannot be taken back, so who is slow gets a moment to take it."""
        patience_s = self._live.hub.settings.send_timeout_s
        began = trio.current_time()
        with trio.move_on_after(patience_s + _LAST_CHANCE_S) as limit:
            await self._socket.send_message(text)
        if limit.cancelled_caught:
            _LOG.info("%s does not read what he watches, and was cut off", self._who.name)
            raise _CutOff
        if trio.current_time() - began > patience_s:
            raise _Ended(Close.TOO_SLOW, "you read too slowly")

    async def _keep(self) -> None:
        while True:
            await trio.sleep(_LOOK_S)
            if not await self._live.still_holds(self._who):
                raise _Ended(Close.NO_LONGER_KNOWN, "the token or login has ended")

    async def _ping(self) -> None:
        interval_s = self._live.hub.settings.ping_interval_s
        while True:
            await trio.sleep(interval_s)
            with trio.move_on_after(interval_s) as limit:
                await self._socket.ping()
            if limit.cancelled_caught:
                raise _CutOff
