"""A mail host with TLS, of any certificate, that keeps what it is told: in clear, and inside TLS."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field

from empath.world import Listener, NetworkError
from empath.world.handshake import accept_tls
from empath.world.ports import Connection


@define(eq=False)
class TlsHost:
    """It takes any message. ``in_clear`` and ``encrypted`` hold the commands that it was told."""

    context: ssl.SSLContext | None
    """None: it offers no STARTTLS."""
    refuses: bool = False
    """Whether it answers STARTTLS with 454."""
    breaks: bool = False
    """Whether it answers the handshake with rubbish."""
    extensions: tuple[str, ...] = ("PIPELINING", "REQUIRETLS")
    in_clear: list[str] = field(init=False, factory=list)
    encrypted: list[str] = field(init=False, factory=list)
    server_names: list[str | None] = field(init=False, factory=list)
    connections: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        if self.context is not None:
            self.context.sni_callback = lambda _, name, __: self.server_names.append(name)

    async def serve(self, listener: Listener) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._session, await listener.accept())

    async def _session(self, connection: Connection) -> None:
        self.connections += 1
        with suppress(NetworkError):
            await connection.send_all(b"220 hi\r\n")
            offers = () if self.context is None and not self.breaks else ("STARTTLS",)
            if await self._talk(connection, self.in_clear, offers):
                if self.breaks:
                    await connection.receive_some()
                    await connection.send_all(b"this is no TLS\r\n")
                    await connection.receive_some()
                elif self.context is not None:
                    await self._talk(await accept_tls(connection, self.context), self.encrypted, ())
        connection.close()

    async def _talk(self, stream: trio.abc.Stream, heard: list[str], offers: tuple[str, ...]) -> bool:
        """Answer until the end, or until TLS is to begin, which is what is returned."""
        buffer, in_content = b"", False
        while octets := await stream.receive_some():
            buffer += octets
            while b"\r\n" in buffer:
                line, _, buffer = buffer.partition(b"\r\n")
                if in_content:
                    in_content = line != b"."
                    if not in_content:
                        await stream.send_all(b"250 taken\r\n")
                    continue
                command = line.decode()
                heard.append(command)
                if command == "STARTTLS":
                    await stream.send_all(b"454 not now\r\n" if self.refuses else b"220 go\r\n")
                    if not self.refuses:
                        return True
                    continue
                in_content = command == "DATA"
                await stream.send_all(self._reply(command, offers))
        return False

    def _reply(self, command: str, offers: tuple[str, ...]) -> bytes:
        if command.startswith("EHLO"):
            lines = ["mx", *self.extensions, *offers]
            return "".join(f"250-{line}\r\n" for line in lines[:-1]).encode() + f"250 {lines[-1]}\r\n".encode()
        if command == "DATA":
            return b"354 go ahead\r\n"
        return b"221 bye\r\n" if command == "QUIT" else b"250 ok\r\n"

    @property
    def heard_of_the_envelope(self) -> list[str]:
        """What it was told in clear that belongs to a message."""
        return [command for command in self.in_clear if command.partition(" ")[0] in ("MAIL", "RCPT", "DATA")]


@asynccontextmanager
async def serving(host: TlsHost, listener: Listener) -> AsyncIterator[TlsHost]:
    """Let a host serve for the time of the context."""
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def serve() -> None:
            await host.serve(listener)

        yield host
        nursery.cancel_scope.cancel()
