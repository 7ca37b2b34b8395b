"""From a host's certificate up to one that its domain has named as trust anchor (DANE-TA, RFC 7671 5.2).

OpenSSL checks chains against authorities that are known before the connection. Here the anchor is known only when the
host has shown its chain, since DNS has nothing but a digest of it. So the way up is gone here, over the certificates
that were shown: each is issued by the next one, all are valid today, and each issuer may issue (RFC 5280 6.1). What
this does not understand it refuses: name constraints, and extensions that are critical and not in `_UNDERSTOOD`.

The anchor is an issuer as well, so a host's own certificate never is one. Whoever means that publishes usage 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

MAX_ISSUERS: Final = 8
"""How many certificates the way up may have, and how many are looked at."""
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


def leads_to(
    leaf: x509.Certificate,
    shown: Sequence[x509.Certificate],
    is_anchor: Callable[[x509.Certificate], bool],
    *,
    now: float,
) -> bool:
    """Whether a way leads from ``leaf`` over some of ``shown`` to an anchor. ``now``: wall clock.

    Only the first `MAX_ISSUERS` of ``shown`` are looked at, so that nobody makes us check signatures without end.
    """
    when = datetime.fromtimestamp(now, UTC)
    pool = [one for one in shown[:MAX_ISSUERS] if one != leaf and _may_issue(one) and _is_sound(one, when)]
    return _is_sound(leaf, when) and _may_serve(leaf) and _climb(leaf, pool, is_anchor, below=0)


def _climb(
    certificate: x509.Certificate,
    pool: Sequence[x509.Certificate],
    is_anchor: Callable[[x509.Certificate], bool],
    *,
    below: int,
) -> bool:
    """``below``: how many issuers there are between the leaf and the next one."""
    for issuer in pool:
        if _allows(issuer, below) and _has_issued(issuer, certificate):
            rest = [one for one in pool if one is not issuer]
            if is_anchor(issuer) or _climb(issuer, rest, is_anchor, below=below + 1):
                return True
    return False


def _is_sound(certificate: x509.Certificate, when: datetime) -> bool:
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension):
        return False
    understood = all(
        one.oid != ExtensionOID.NAME_CONSTRAINTS and (not one.critical or one.oid in _UNDERSTOOD) for one in extensions
    )
    return understood and certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as missing:
        return missing.oid == ExtensionOID.KEY_USAGE
    except (ValueError, x509.DuplicateExtension):
        return False


def _may_serve(leaf: x509.Certificate) -> bool:
    """RFC 5280 4.2.1.12: if the extension is there, it has to say that this is for servers."""
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def _allows(issuer: x509.Certificate, below: int) -> bool:
    """RFC 5280 4.2.1.9: how many issuers may stand between this one and the leaf."""
    limit = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    return limit is None or below <= limit


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
