"""TLS contexts, which are built once. `empath.world.encrypted` has the streams that they are used on.

Four contexts for four purposes, never mixed. A *server* context carries our certificate. A *verifying* context checks
chain and name of the peer. A *trusting* context checks the chain, and leaves the name to whoever knows which ones would
be right. An *opportunistic* context checks nothing, which is what TLS between mail servers has to do as long as no
policy says better (RFC 7435, RFC 3207): it protects from those who only listen. `opportunistic_context` is the only
function in Empath that switches verification off.

All of them begin at TLS 1.2 (RFC 8996). Whoever offers less gets no weaker TLS here but, as the policy decides, clear
text or a deferral.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from empath.world.errors import CertificateUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

TlsContext = ssl.SSLContext
"""For the annotations of those who pass one on: only this module makes any."""


def server_context(cert_file: Path, key_file: Path, *, client_ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a context for receiving, with the chain in ``cert_file`` (own certificate first, then intermediates).

    With ``client_ca_file`` clients are asked for a certificate. They need not have one, but one that is not issued by
    these authorities ends the handshake. Raises `CertificateUnusable`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client must not make us do handshake after handshake on one connection (CVE-2011-1473).
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        # A passphrase would be asked for on a terminal that a daemon has not got.
        context.load_cert_chain(cert_file, key_file, password=b"")
    except OSError as error:
        _explain_files(error, cert_file, key_file)
    if client_ca_file is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        _trust(context, client_ca_file)
    return context


def by_server_name(contexts: Sequence[ssl.SSLContext], find: Callable[[str | None], int]) -> ssl.SSLContext:
    """Return the first of these contexts for receiving, made to hand over to another one.

    ``find`` gives the place of the right one for the name that a client asks for (RFC 6066 3); None: it asks for none.
    It is called where the handshake is computed, which may be a thread, and must not fail.
    """

    def choose(handshake: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        handshake.context = contexts[find(name)]

    # One certificate needs no choice, and OpenSSL no way into the interpreter.
    contexts[0].sni_callback = choose if len(contexts) > 1 else None
    return contexts[0]


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
        _trust(context, ca_file)
    return context


def trusting_context(*, ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a verifying context that accepts any name: a mail host may be known by several (RFC 7672 3.2.2)."""
    context = verifying_context(ca_file=ca_file)
    context.check_hostname = False
    return context


def opportunistic_context() -> ssl.SSLContext:
    """Return a context for sending that encrypts and does not ask to whom (RFC 7435 3)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trust(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:
        _explain_files(error, ca_file)


def _explain_files(error: OSError, *files: Path) -> None:
    names = " and ".join(map(str, files))
    if isinstance(error, ssl.SSLError):
        expected = "expected PEM, and a key that belongs to the first certificate and has no passphrase"
        why = f"{error.reason or error}: {expected}"
    else:
        why = f"{error.strerror}: check the path and that this user may read it"
    raise CertificateUnusable(f"cannot use {names}: {why}") from error
