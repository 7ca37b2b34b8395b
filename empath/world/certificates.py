"""Our own certificates: read from files, and looked into.

All of it blocks: it belongs in a thread once the daemon runs.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen
from cryptography import x509

from empath.world.errors import CertificateUnusable
from empath.world.tls import server_context

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Stamp: TypeAlias = tuple[object, ...]
"""How files looked from outside. Files that look the same are the same; two stamps can only be compared."""


@frozen(kw_only=True)
class Certificate:
    """One of our certificates, and a context to receive with it."""

    cert_file: Path
    key_file: Path
    names: tuple[str, ...]
    """The DNS names it is issued for (RFC 5280 4.2.1.6), wildcards too."""
    not_before: float
    not_after: float
    """Wall clock, seconds since 1970."""
    context: ssl.SSLContext = field(repr=False, eq=False)


def load(cert_file: Path, key_file: Path, *, client_ca_file: Path | None = None) -> Certificate:
    """Read a certificate with its key, and see that they belong together. Raises `CertificateUnusable`."""
    context = server_context(cert_file, key_file, client_ca_file=client_ca_file)
    try:
        leaf = x509.load_pem_x509_certificate(cert_file.read_bytes())
        names = _names(leaf)
    except (OSError, ValueError) as error:
        raise CertificateUnusable(f"cannot use {cert_file}: {error}: have it issued anew") from error
    return Certificate(
        cert_file=cert_file,
        key_file=key_file,
        names=names,
        not_before=leaf.not_valid_before_utc.timestamp(),
        not_after=leaf.not_valid_after_utc.timestamp(),
        context=context,
    )


def stamp(files: Iterable[Path]) -> Stamp:
    """Look at files from outside, without reading them. Never fails: that a file is missing is how it looks.

    The time of the last change of the inode is part of it, so that a mode which lets us read the file is seen as well.
    A link is followed: programs that renew certificates let it point to a new file.
    """
    return tuple(_look(file) for file in files)


def _look(file: Path) -> object:
    try:
        found = os.stat(file)
    except OSError as error:
        return error.errno
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(alternatives.value.get_values_for_type(x509.DNSName))
