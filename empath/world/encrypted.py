"""A stream inside TLS. How one comes about is in `empath.world.handshake`.

How an end is told: whoever closes a stream sends close_notify first (RFC 8446 6.1), and nobody waits for the other's.
SMTP tells by itself where a message ends, so an end that was not announced is an end like any other.

Why not `trio.SSLStream`: it makes the missing close_notify of a peer an error, or else sends none itself; the alert
that says why a handshake failed stays in a buffer of its own; and it computes handshakes in the event loop, where each
holds up all sessions for a millisecond or more. Two `ssl.MemoryBIO` cure all three, and a line then takes half as long
(50 microseconds instead of 100 for a round trip over loopback, both ends together).
"""

from __future__ import annotations

import operator
import ssl
from contextlib import suppress

import trio
from attrs import define, field, frozen
from typing_extensions import override

from empath.world.errors import ConnectionLost

LAST_WORDS_S = 1.0
"""How long an alert or a close_notify may take to be sent."""
RECEIVE_BYTES = 64 * 1024
"""The most that one call receives."""
RECORD_BYTES = 16 * 1024
"""The most that one record holds (RFC 8446 5.1)."""
MAX_UNSENT_BYTES = 64 * 1024
"""Answers to changes of keys (RFC 8446 4.6.3) that may wait until there is something to say as well."""


@frozen
class TlsSummary:
    """What was agreed on, for trace fields, logs and DANE."""

    version: str
    """As OpenSSL names it, for example ``TLSv1.3``."""
    cipher: str
    bits: int
    peer_certificate: bytes | None = field(repr=False)
    """The peer's own certificate in DER form, verified or not; None if it sent none."""
    peer_subject: str | None = None
    """The subject of that certificate (RFC 4514), if it was verified; else None."""
    peer_chain: tuple[bytes, ...] = field(default=(), repr=False)
    """What a server has sent in DER form, its own certificate first, verified or not; nothing for clients."""
    trusted: bool = False
    """Whether the peer's certificate was found to lead to an authority that the context trusts."""
    resumed: bool = False
    """Whether an earlier session was taken up again, without a new exchange of certificates (RFC 8446 2.2)."""


@define(eq=False)
class TlsStream(trio.abc.Stream):
    """A stream inside TLS. It owns the stream below. A broken connection is `ConnectionLost`, as it is there."""

    _below: trio.abc.Stream
    _ssl: ssl.SSLObject
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    summary: TlsSummary
    _receiving: bool = field(init=False, default=False)
    _sending: bool = field(init=False, default=False)
    _cut_off: bool = field(init=False, default=False)
    """Whether a record went out in part: whatever followed would be rubbish."""
    _ended: bool = field(init=False, default=False)
    """Whether nothing more will come."""
    _fault: str | None = field(init=False, default=None)
    """Why what came cannot be taken."""
    _closed: bool = field(init=False, default=False)

    @override
    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what has arrived, or nothing at the end, announced or not."""
        size = RECEIVE_BYTES if max_bytes is None else operator.index(max_bytes)
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        self._check_open()
        if self._receiving:
            raise trio.BusyResourceError("another task is receiving on this connection")
        self._receiving = True
        try:
            if self._has_more():
                # What is there already must not keep others from their turn, nor hide a cancellation.
                await trio.lowlevel.checkpoint()
            else:
                await self._fill()
            while not (data := self._decrypt(size)) and not self._ended:
                await self._fill()
            if self._fault is not None and not data:
                await self._say_last()
                raise ConnectionLost(f"TLS: {self._fault}")
            return data
        finally:
            self._receiving = False

    def _has_more(self) -> bool:
        return self._ended or bool(self._incoming.pending) or bool(self._ssl.pending())

    async def _fill(self) -> None:
        """Wait for octets from below."""
        octets = await self._below.receive_some(RECEIVE_BYTES)
        self._check_open()
        if octets:
            self._incoming.write(octets)
        else:
            self._ended = True

    def _decrypt(self, size: int) -> bytearray:
        """All that is complete, up to ``size``; nothing: more octets are needed, or it has ended."""
        data = bytearray()
        try:
            while len(data) < size and not self._ended and (not data or self._incoming.pending or self._ssl.pending()):
                block = self._ssl.read(min(size - len(data), RECORD_BYTES))
                data += block
                self._ended = not block  # close_notify
        except ssl.SSLWantReadError:
            if self._outgoing.pending > MAX_UNSENT_BYTES:
                self._fault, self._ended = "the peer changes its keys again and again", True
        except ssl.SSLError as error:
            self._fault, self._ended = reason(error), True
        return data

    @override
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        self._start_sending()
        try:
            if not data:
                await trio.lowlevel.checkpoint()
            for start in range(0, len(data), RECEIVE_BYTES):
                block = data if len(data) <= RECEIVE_BYTES else memoryview(data)[start : start + RECEIVE_BYTES]
                try:
                    self._ssl.write(block)
                except ssl.SSLError as error:
                    raise ConnectionLost(f"TLS: {reason(error)}") from error
                self._cut_off = True
                await self._below.send_all(self._outgoing.read())
                self._cut_off = False
        finally:
            self._sending = False

    @override
    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream below has room."""
        self._start_sending()
        try:
            await self._below.wait_send_all_might_not_block()
        finally:
            self._sending = False

    async def announce_end(self) -> None:
        """Say close_notify, so that the peer knows that nothing was cut off. Waits for no answer, and never fails.

        Nothing can be sent after it.
        """
        if not (self._closed or self._sending):
            with suppress(ssl.SSLError):  # one of them says that the peer has not done the same yet
                self._ssl.unwrap()
            await self._say_last()

    @override
    async def aclose(self) -> None:
        """Announce the end, unless that is done, and close both streams."""
        try:
            await self.announce_end()
        finally:
            self._closed = True
            await self._below.aclose()

    async def _say_last(self) -> None:
        if not (self._sending or self._cut_off):
            await send_rest(self._below, self._outgoing)

    def _start_sending(self) -> None:
        self._check_open()
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        if self._cut_off:
            raise ConnectionLost("TLS: sending was cut off within a record")
        self._sending = True

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this connection was closed")


async def send_rest(stream: trio.abc.Stream, outgoing: ssl.MemoryBIO) -> None:
    """Send what OpenSSL has to say at the end, if that can be done: why it failed, or close_notify (RFC 8446 6)."""
    octets = outgoing.read()
    if octets:
        with (
            trio.move_on_after(LAST_WORDS_S),
            suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError),
        ):
            await stream.send_all(octets)


def reason(error: ssl.SSLError) -> str:
    """What OpenSSL has to say about an error, in its own words."""
    return error.reason or str(error)
