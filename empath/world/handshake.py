"""The TLS handshake on a live stream.

It works on any stream, so STARTTLS and implicit TLS are the same call, over real and simulated networks. Bytes that
came behind STARTTLS in clear are not looked at here: the caller must have refused or dropped them (RFC 3207 4.2).

A handshake costs a server about a millisecond of computing, and several with a large RSA key: as much as some messages.
It may be done in a thread (OpenSSL lets go of the interpreter meanwhile), so that a crowd of clients that all begin TLS
waits for itself and not for its turn in the event loop. A client that is silent holds no thread.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trio
from attrs import frozen
from cryptography import x509

from empath.world.chain import presented_chain
from empath.world.encrypted import RECEIVE_BYTES, TlsStream, TlsSummary, reason, send_rest
from empath.world.errors import ConnectionLost, TlsFailed

if TYPE_CHECKING:
    from empath.world.ports import Offload


async def accept_tls(stream: trio.abc.Stream, context: ssl.SSLContext, *, offload: Offload | None = None) -> TlsStream:
    """Do the server's side of a handshake. Raises `TlsFailed` and `ConnectionLost`; the stream is then of no use.

    ``offload`` is where it is computed; None: here, in the event loop. The time limit is the caller's.
    """
    return await _Handshake.begin(stream, context, host=None, offload=offload).run()


async def start_tls(stream: trio.abc.Stream, context: ssl.SSLContext, *, host: str) -> TlsStream:
    """Do the client's side of a handshake with ``host``: the name asked for (SNI) and, by a verifying context, checked.

    Raises `TlsFailed` and `ConnectionLost`; the stream is then of no use. The time limit is the caller's.
    """
    return await _Handshake.begin(stream, context, host=host, offload=None).run()


@frozen
class _Handshake:
    """One handshake, of either side."""

    _stream: trio.abc.Stream
    _ssl: ssl.SSLObject
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    _offload: Offload | None

    @classmethod
    def begin(
        cls, stream: trio.abc.Stream, context: ssl.SSLContext, *, host: str | None, offload: Offload | None
    ) -> _Handshake:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            machine = context.wrap_bio(incoming, outgoing, server_side=host is None, server_hostname=host)
        except (ValueError, TypeError) as error:  # a name from DNS need not be one that TLS can carry
            raise TlsFailed(f"{host!r} cannot be asked for: {error}") from error
        return cls(stream, machine, incoming, outgoing, offload)

    async def run(self) -> TlsStream:
        if self._ssl.server_side:
            await self._receive()
        while not await self._advance():
            await self._receive()
        return TlsStream(self._stream, self._ssl, self._incoming, self._outgoing, self._summary())

    async def _receive(self) -> None:
        octets = await self._stream.receive_some(RECEIVE_BYTES)
        if not octets:
            raise ConnectionLost("the peer hung up during the TLS handshake")
        self._incoming.write(octets)

    async def _advance(self) -> bool:
        """Go as far as the octets at hand lead, and send what comes of it; whether the handshake is done."""
        try:
            done = self._step() if self._offload is None else await self._offload.run(self._step)
        except ssl.SSLError as error:
            failure = error
        else:
            # What a server of TLS 1.3 has left then are tickets (RFC 8446 4.6.1). They go out with its first words: a
            # client that closes without reading them would break the connection on what it has just sent.
            if not (done and self._ssl.server_side and self._ssl.version() == "TLSv1.3"):
                await self._stream.send_all(self._outgoing.read())
            return done
        await send_rest(self._stream, self._outgoing)
        if isinstance(failure, ssl.SSLCertVerificationError):
            raise TlsFailed(failure.verify_message, untrusted=True) from failure
        raise TlsFailed(reason(failure)) from failure

    def _step(self) -> bool:
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def _summary(self) -> TlsSummary:
        version, cipher = self._ssl.version(), self._ssl.cipher()
        if version is None or cipher is None:
            raise TlsFailed("the handshake ended without an agreement")
        certificate = self._ssl.getpeercert(binary_form=True)
        trusted = certificate is not None and bool(self._ssl.getpeercert())  # empty where nobody has looked at it
        return TlsSummary(
            version,
            cipher[0],
            cipher[2],
            certificate,
            peer_subject=_subject(certificate) if certificate is not None and trusted else None,
            peer_chain=() if self._ssl.server_side else presented_chain(self._ssl),
            trusted=trusted,
            resumed=bool(self._ssl.session_reused),
        )


def _subject(certificate: bytes) -> str | None:
    try:
        return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
    except ValueError:  # OpenSSL takes some that are not quite as they should be
        return None
