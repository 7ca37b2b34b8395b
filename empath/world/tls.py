"""TLS: contexts, which are built once, and the handshake on a live stream.

Three contexts for three purposes, never mixed. A *server* context carries our certificate. A *verifying* context checks
chain and name of the peer. An *opportunistic* context checks nothing, which is what TLS between mail servers has to do
as long as no policy says better (RFC 7435, RFC 3207): it protects from those who only listen. `opportunistic_context`
is the only function in Empath that switches verification off.

All of them begin at TLS 1.2 (RFC 8996). Whoever offers less gets no weaker TLS here but, as the policy decides, clear
text or a deferral.

The handshake works on any stream, so STARTTLS and implicit TLS are the same call, over real and simulated networks.
Bytes that came behind STARTTLS in clear are not looked at here: the caller must have refused or dropped them (RFC 3207
4.2). Neither end waits for the other's close_notify, since SMTP tells by itself where a message ends, and a truncated
connection shows as the end of the stream.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from attrs import define, field, frozen
from typing_extensions import override

from empath.world.errors import CertificateUnusable, ConnectionLost, TlsFailed

if TYPE_CHECKING:
    from pathlib import Path

TlsContext = ssl.SSLContext
"""For the annotations of those who pass one on: only this module makes any."""


ALERT_S = 1.0
"""How long a failed handshake may go on to say why it failed."""


def server_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """Return a context for receiving, with the chain in ``cert_file`` (own certificate first, then intermediates).

    Raises `CertificateUnusable`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client must not make us do handshake after handshake on one connection (CVE-2011-1473).
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(cert_file, key_file)
    except OSError as error:
        _explain_files(error, cert_file, key_file)
    return context


def verifying_context(*, ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a context for sending that trusts the system's authorities and those in ``ca_file``.

    Raises `CertificateUnusable`. Reading the system's authorities takes tens of milliseconds.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 switched it on. It refuses certificates that mail servers have and browsers accept; the choice must
    # not depend on the interpreter.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            _explain_files(error, ca_file)
    return context


def opportunistic_context() -> ssl.SSLContext:
    """Return a context for sending that encrypts and does not ask to whom (RFC 7435 3)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _explain_files(error: OSError, *files: Path) -> None:
    names = " and ".join(map(str, files))
    if isinstance(error, ssl.SSLError):
        why = f"{error.reason or error}: expected PEM, and a key that belongs to the first certificate"
    else:
        why = f"{error.strerror}: check the path and that this user may read it"
    raise CertificateUnusable(f"cannot use {names}: {why}") from error


@frozen
class TlsSummary:
    """What was agreed on, for trace fields, logs and DANE."""

    version: str
    """As OpenSSL names it, for example ``TLSv1.3``."""
    cipher: str
    bits: int
    peer_certificate: bytes | None = field(repr=False)
    """The peer's own certificate in DER form, verified or not; None if it sent none."""


@define(eq=False)
class TlsStream(trio.abc.Stream):
    """A stream inside TLS. It owns the stream below. A broken connection is `ConnectionLost`, as it is there."""

    _inner: trio.SSLStream[trio.abc.Stream]
    summary: TlsSummary

    @override
    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what has arrived, or nothing at the end, announced or not."""
        try:
            return await self._inner.receive_some(max_bytes)
        except trio.BrokenResourceError as error:
            raise _lost(error) from error.__cause__

    @override
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        try:
            await self._inner.send_all(data)
        except trio.BrokenResourceError as error:
            raise _lost(error) from error.__cause__

    @override
    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream below has room."""
        try:
            await self._inner.wait_send_all_might_not_block()
        except trio.BrokenResourceError as error:
            raise _lost(error) from error.__cause__

    @override
    async def aclose(self) -> None:
        """Close both streams at once, without close_notify."""
        await self._inner.aclose()


async def accept_tls(stream: trio.abc.Stream, context: ssl.SSLContext) -> TlsStream:
    """Do the server's side of a handshake. Raises `TlsFailed` and `ConnectionLost`; the stream is then of no use."""
    return await _handshake(stream, context, host=None)


async def start_tls(stream: trio.abc.Stream, context: ssl.SSLContext, *, host: str) -> TlsStream:
    """Do the client's side of a handshake with ``host``: the name asked for (SNI) and, by a verifying context, checked.

    Raises `TlsFailed` and `ConnectionLost`; the stream is then of no use. The time limit is the caller's.
    """
    return await _handshake(stream, context, host=host)


async def _handshake(stream: trio.abc.Stream, context: ssl.SSLContext, *, host: str | None) -> TlsStream:
    try:
        inner = trio.SSLStream(stream, context, server_hostname=host, server_side=host is None, https_compatible=True)
    except (ValueError, TypeError) as error:  # a name from DNS need not be one that TLS can carry
        raise TlsFailed(f"{host!r} cannot be asked for: {error}") from error
    failure: trio.BrokenResourceError | None = None
    try:
        await inner.do_handshake()
    except trio.BrokenResourceError as error:
        failure = error
    if failure is not None:
        await _send_alert(inner)
        raise _failed(failure) from failure.__cause__
    version, (cipher, _, bits) = inner.version(), inner.cipher()
    return TlsStream(inner, TlsSummary(version, cipher, bits, inner.getpeercert(binary_form=True)))


async def _send_alert(inner: trio.SSLStream[trio.abc.Stream]) -> None:
    """Tell the peer why (RFC 8446 6.2). Trio leaves the alert that OpenSSL has written in a buffer of its own."""
    alert = inner._outgoing.read()
    if alert:
        with trio.move_on_after(ALERT_S), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await inner.transport_stream.send_all(alert)


def _failed(error: trio.BrokenResourceError) -> TlsFailed | ConnectionLost:
    cause = error.__cause__
    match cause:
        case ssl.SSLCertVerificationError():
            return TlsFailed(cause.verify_message, untrusted=True)
        case ssl.SSLEOFError():
            return ConnectionLost("the peer hung up during the TLS handshake")
        case ssl.SSLError():
            return TlsFailed(cause.reason or str(cause))
        case _:
            return _lost(error)


def _lost(error: trio.BrokenResourceError) -> ConnectionLost:
    if isinstance(error, ConnectionLost):
        return error
    return ConnectionLost(f"TLS: {error.__cause__ or 'the session is broken'}")
