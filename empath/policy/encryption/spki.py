"""The public key of a certificate, octet for octet as it stands there (RFC 5280 4.1.2.7).

TLSA records hold digests of these octets (RFC 6698 1.1.2). A library that decodes a key and encodes it again may write
it in another way, and the digest would be another one; so the octets are cut out instead.
"""

from __future__ import annotations

from typing import Final

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_BEFORE_THE_KEY: Final = 5
"""Serial number, signature algorithm, issuer, validity, subject; before them the version, which may be missing."""


def public_key_info(certificate: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate, both in DER form. A ValueError: this is no certificate."""
    at, _ = _inside(certificate, 0)
    at, end = _inside(certificate, at)
    if at < end and certificate[at] == _VERSION:
        at = _element(certificate, at)[1]
    for _ in range(_BEFORE_THE_KEY):
        at = _element(certificate, at)[1]
    _, after = _inside(certificate, at)
    if after > end:
        raise ValueError("the certificate ends before its key")
    return certificate[at:after]


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of a sequence begins and ends."""
    start, end = _element(der, at)
    if der[at] != _SEQUENCE:
        raise ValueError("there is no sequence where there should be one")
    return start, end


def _element(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at ``at`` begins and ends (X.690 8.1)."""
    if at + 2 > len(der):
        raise ValueError("the certificate is cut off")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        start += size
        length = int.from_bytes(der[at + 2 : start], "big")
    if start + length > len(der):
        raise ValueError("the certificate is cut off")
    return start, start + length
