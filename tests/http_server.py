"""A small web server for tests: pages from a table, over a listener of any network, inside TLS or not."""

import ssl
from contextlib import suppress

import h11
import trio
from attrs import define, field

from empath.sim.fetch import Posted, Silence
from empath.world import FetchResponse, Listener, NetworkError
from empath.world.handshake import accept_tls


@define(eq=False)
class HttpServer:
    """Answers by path; what is not in the table with bytes that are no HTTP. ``posted`` keeps what it was sent."""

    pages: dict[str, FetchResponse | Silence]
    context: ssl.SSLContext | None = None
    posted: list[Posted] = field(init=False, factory=list)

    async def serve(self, listener: Listener) -> None:
        """Answer everybody, one request for each connection, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._answer, await listener.accept())

    async def _answer(self, stream: trio.abc.Stream) -> None:
        async with stream:
            with suppress(NetworkError):
                if self.context is not None:
                    stream = await accept_tls(stream, self.context)
                await self._exchange(stream)

    async def _exchange(self, stream: trio.abc.Stream) -> None:
        protocol = h11.Connection(h11.SERVER)
        request, body = None, b""
        while not isinstance(event := protocol.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                protocol.receive_data(bytes(await stream.receive_some()))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                return
        if request is None:
            return
        if request.method == b"POST":
            sent = {name.decode(): value.decode() for name, value in request.headers}
            self.posted.append(Posted(request.target.decode(), body, sent))
        match self.pages.get(request.target.decode()):
            case FetchResponse(status, headers, content):
                lines = [*headers.items(), ("content-length", str(len(content)))]
                await stream.send_all(protocol.send(h11.Response(status_code=status, headers=lines)) or b"")
                await stream.send_all(protocol.send(h11.Data(content)) or b"")
            case Silence():
                await trio.sleep_forever()
            case None:
                await stream.send_all(b"421 this is no web server\r\n")
