"""A next hop that keeps every octet it was sent, and answers so that a message can be brought to its end."""

from __future__ import annotations

import re

import trio
from attrs import define, field

from empath.sim.network import VirtualHost
from empath.world import ConnectionLost, TcpEndpoint
from empath.world.ports import Connection

_END = b"\r\n.\r\n"


@define(eq=False)
class Wiretap:
    """It is no SMTP server and has none of Empath's code: lines to CRLF, a body to CRLF "." CRLF, and the record.

    What it offers besides is up to the test: with CHUNKING it counts the octets of chunks.
    """

    host: VirtualHost
    offers: tuple[bytes, ...] = ()
    sessions: list[bytearray] = field(init=False, factory=list)
    """All that came over each connection."""
    commands: list[bytes] = field(init=False, factory=list)
    bodies: list[bytes] = field(init=False, factory=list)
    """As they came, dots and all, without the end."""
    contents: list[bytes] = field(init=False, factory=list)
    """What each message is, to whoever reads the protocol as it is written."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        listener = await self.host.listen(TcpEndpoint(self.host.addresses[0], 25))
        task_status.started()
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._serve, await listener.accept())

    async def _serve(self, connection: Connection) -> None:
        record = bytearray()
        self.sessions.append(record)
        at = 0

        async def until(end: bytes) -> bytes:
            nonlocal at
            while (found := record.find(end, at)) < 0:
                octets = await connection.receive_some()
                if not octets:
                    raise ConnectionLost("closed")
                record.extend(octets)
            taken, at = bytes(record[at:found]), found + len(end)
            return taken

        async def counted(size_bytes: int) -> bytes:
            nonlocal at
            while len(record) < at + size_bytes:
                octets = await connection.receive_some()
                if not octets:
                    raise ConnectionLost("closed")
                record.extend(octets)
            taken, at = bytes(record[at : at + size_bytes]), at + size_bytes
            return taken

        chunks = b""
        try:
            await connection.send_all(b"220 tap.example\r\n")
            while True:
                line = await until(b"\r\n")
                self.commands.append(line)
                if line == b"DATA":
                    await connection.send_all(b"354 go ahead\r\n")
                    at -= 2  # an empty body has the end of DATA as its first line end
                    self.bodies.append((await until(_END))[2:])
                    self.contents.append(re.sub(rb"(^|\r\n)\.", rb"\1", self.bodies[-1]) + b"\r\n")
                elif line.startswith(b"BDAT"):
                    chunks += await counted(int(line.split(b" ")[1]))
                    if line.endswith(b"LAST"):
                        self.bodies.append(chunks)
                        self.contents.append(chunks)
                        chunks = b""
                lines = (b"tap.example", b"8BITMIME", *self.offers) if line.startswith(b"EHLO") else ()
                offers = b"".join(b"250-%b\r\n" % one for one in lines)
                await connection.send_all(offers + (b"221 goodbye\r\n" if line == b"QUIT" else b"250 OK\r\n"))
        except ConnectionLost:
            connection.close()
