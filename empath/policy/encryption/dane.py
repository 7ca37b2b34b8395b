"""Whether the certificates that a host has shown are those that its domain has published: TLSA (RFC 6698, 7671, 7672).

====== ======== ===================================================================================================
usage  name     what must match
====== ======== ===================================================================================================
3      DANE-EE  the host's own certificate, or its key; names, dates and authorities do not matter (RFC 7672 3.1.1)
2      DANE-TA  an issuer of it, to which the chain must lead; the name must be right (RFC 7672 3.1.2)
0, 1   PKIX-..  not for mail: such a record is unusable (RFC 7672 3.1.3)
====== ======== ===================================================================================================

Of records with the same usage and selector only those with the strongest digest count (RFC 7671 9), beside those that
hold the whole thing. Nothing here asks where the records come from: only secure ones may come here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from empath.policy.encryption.issuers import leads_to
from empath.policy.encryption.peer_names import is_for
from empath.policy.encryption.spki import public_key_info

DANE_TA: Final = 2
DANE_EE: Final = 3
CERTIFICATE: Final = 0
KEY: Final = 1
WHOLE: Final = 0
_DIGESTS: Final = {1: hashlib.sha256, 2: hashlib.sha512}
"""By matching type, the weaker first."""


class Tlsa(Protocol):
    """A TLSA record, with the numbers that are on the wire."""

    @property
    def usage(self) -> int:
        """Which certificate it is about."""

    @property
    def selector(self) -> int:
        """Whether it is about the certificate or its key."""

    @property
    def matching_type(self) -> int:
        """Whether it holds the whole or a digest."""

    @property
    def data(self) -> bytes:
        """What must match."""


def usable(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """Those records that can be used for mail. With none of them a host is to be encrypted to, and not asked who it is
    (RFC 7672 2.2).
    """
    sound = [record for record in records if _is_usable(record)]
    strongest: dict[tuple[int, int], int] = {}
    for record in sound:
        kind = (record.usage, record.selector)
        strongest[kind] = max(strongest.get(kind, WHOLE), record.matching_type)
    return tuple(one for one in sound if one.matching_type in (WHOLE, strongest[one.usage, one.selector]))


def authentic(records: Iterable[Tlsa], chain: Sequence[bytes], *, names: Iterable[str], now: float) -> bool:
    """Whether one of these records, which are usable, vouches for a chain in DER form, the host's own first.

    ``names``: what the host may be called (RFC 7672 3.2.2), for usage 2. ``now``: wall clock.
    """
    if not chain:
        return False
    wanted = list(records)
    if any(record.usage == DANE_EE and _matches(record, chain[0]) for record in wanted):
        return True
    anchors = [record for record in wanted if record.usage == DANE_TA]
    leaf = next(_readable(chain[:1]), None)
    if not anchors or leaf is None or not is_for(leaf, names):
        return False
    # An anchor that is published whole need not be shown (RFC 7671 5.2.1).
    published = [one.data for one in anchors if (one.selector, one.matching_type) == (CERTIFICATE, WHOLE)]
    return leads_to(
        leaf,
        list(_readable([*published, *chain[1:]])),
        lambda issuer: any(_matches(anchor, issuer.public_bytes(Encoding.DER)) for anchor in anchors),
        now=now,
    )


def _readable(certificates: Iterable[bytes]) -> Iterator[x509.Certificate]:
    for der in certificates:
        with suppress(ValueError):
            yield x509.load_der_x509_certificate(der)


def _matches(record: Tlsa, certificate: bytes) -> bool:
    try:
        whole = certificate if record.selector == CERTIFICATE else public_key_info(certificate)
    except ValueError:
        return False
    digest = _DIGESTS.get(record.matching_type)
    return (whole if digest is None else digest(whole).digest()) == record.data


def _is_usable(record: Tlsa) -> bool:
    if record.usage not in (DANE_TA, DANE_EE) or record.selector not in (CERTIFICATE, KEY):
        return False
    if record.matching_type != WHOLE:
        digest = _DIGESTS.get(record.matching_type)
        return digest is not None and len(record.data) == digest().digest_size
    try:
        if record.selector == CERTIFICATE:
            x509.load_der_x509_certificate(record.data)
        else:
            load_der_public_key(record.data)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
