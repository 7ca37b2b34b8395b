"""A connection to the live websocket of a daemon, for the commands that watch."""

import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec
import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from empath.cli.complaint import Code, Complaint
from empath.cli.ctl.client import PREFIX, Client, Record
from empath.ops.live import SUBPROTOCOL
from empath.ops.live.tables import Rows, applied

_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80
_MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
_PATIENCE_S: Final = 30.0
_PROBE: Final = 1_000_000
"""The number of a subscription that nobody else has."""
_REASONS: Final = {1012: "the daemon stops", 1013: "this was too slow", 4401: "the token has ended"}


@define(eq=False)
class Feed:
    """The frames of a daemon, and the tables that they add up to."""

    _socket: WebSocketConnection
    tables: dict[int, Rows] = field(init=False, factory=dict)
    """By the number of the subscription."""

    async def subscribe(self, number: int, topic: str, **more: object) -> None:
        """Ask for a topic."""
        said = {"op": "sub", "id": number, "topic": topic, **{name: value for name, value in more.items() if value}}
        await self._socket.send_message(msgspec.json.encode(said).decode())

    async def settled(self) -> None:
        """Return when the daemon has done all that it was told so far. Frames that come meanwhile are lost."""
        await self.subscribe(_PROBE, "stats")
        while (await self.frame()).get("id") != _PROBE:
            pass
        await self._socket.send_message(msgspec.json.encode({"op": "unsub", "id": _PROBE}).decode())

    async def text(self) -> str:
        """Return the next frame as it is. Raises Complaint when there will be none."""
        try:
            return str(await self._socket.get_message())
        except ConnectionClosed as closed:
            code, reason = (closed.reason.code, closed.reason.reason) if closed.reason else (1006, None)
            raise Complaint(
                Code.UNREACHABLE_DAEMON,
                "the daemon shows no more",
                why=reason or _REASONS.get(code, "the connection was lost"),
                remedy="try again in a moment; `empathctl status` says whether it runs",
                status=os.EX_TEMPFAIL,
            ) from closed

    async def frame(self) -> Record:
        """Return the next frame, which is worked into the tables. Raises Complaint."""
        found: Record = msgspec.json.decode(await self.text())
        match found["t"]:
            case "snap":
                self.tables[found["id"]] = found["data"]["rows"]
            case "delta":
                before = self.tables.get(found["id"], {})
                self.tables[found["id"]] = applied(before, found.get("set", {}), found.get("del", ()))
            case "error":
                raise Complaint(found["code"], found["why"], why="the daemon refused", remedy=found["try"], status=64)
        return found


def watch(client: Client, talk: Callable[[Feed], Awaitable[None]]) -> None:
    """Talk with a daemon until it is over, or until Ctrl-C. Raises Complaint."""
    try:
        trio.run(_watch, client, talk)
    except BaseExceptionGroup as group:
        raise _innermost(group) from None


async def _watch(client: Client, talk: Callable[[Feed], Awaitable[None]]) -> None:
    try:
        stream, host = await _connect(client)
    except OSError as error:
        raise client.unreachable(error) from error
    fields = [("Authorization", f"Bearer {client.token}")] if client.token is not None else []
    async with stream, trio.open_nursery() as nursery:
        with trio.fail_after(_PATIENCE_S):
            socket = await wrap_client_stream(
                nursery,
                stream,
                host,
                f"{PREFIX}/live",
                subprotocols=[SUBPROTOCOL],
                extra_headers=[(name.encode(), value.encode()) for name, value in fields],
                max_message_size=_MAX_FRAME_BYTES,
            )
        await talk(Feed(socket))
        await socket.aclose()
        nursery.cancel_scope.cancel()


async def _connect(client: Client) -> tuple[trio.SocketStream | trio.SSLStream[trio.SocketStream], str]:
    if client.control_socket is not None:
        return await trio.open_unix_socket(str(client.control_socket)), "localhost"
    url = urlsplit(client.name)
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        stream = await trio.open_ssl_over_tcp_stream(host, url.port or _HTTPS_PORT, ssl_context=context)
        return stream, url.netloc
    return await trio.open_tcp_stream(host, url.port or _HTTP_PORT), url.netloc


def _innermost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What really happened: there is one thing, and nurseries around it."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if isinstance(found, ConnectionRejected):
        return _refused(found)
    return found


def _refused(rejected: ConnectionRejected) -> Complaint:
    try:
        said: Mapping[str, str] = msgspec.json.decode(rejected.body or b"")
        status = os.EX_NOPERM if rejected.status_code in (401, 403) else os.EX_UNAVAILABLE
        return Complaint(said["code"], said["title"], why=said["why"], remedy=said["try"], status=status)
    except (msgspec.DecodeError, KeyError):
        return Complaint(
            Code.STRANGE_ANSWER,
            f"the daemon answered {rejected.status_code}",
            why="it is no Empath, or one of another version",
            remedy="compare `empathctl version` with the daemon's",
            status=os.EX_SOFTWARE,
        )
