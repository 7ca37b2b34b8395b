"""Cipher suites by the names that are registered with IANA, which a Received field has to use (RFC 8314 4.3).

OpenSSL uses those for TLS 1.3 and has names of its own for TLS 1.2. They are put together from the same parts, so a
rule does for all suites that TLS 1.2 is used with today; of others nothing is said.
"""

from __future__ import annotations

import re
from typing import Final

_REGISTERED: Final = re.compile(r"TLS_[A-Z0-9_]{1,60}")
_OF_OPENSSL: Final = re.compile(
    r"(?P<exchange>ECDHE|DHE)-(?P<signature>RSA|ECDSA)-"
    r"(?:AES(?P<bits>128|256)-(?P<mode>GCM-)?(?P<hash>SHA384|SHA256|SHA)|CHACHA20-POLY1305)"
)


def registered_name(name: str) -> str | None:
    """The registered name of a suite that OpenSSL calls ``name``; None: not known."""
    if _REGISTERED.fullmatch(name):
        return name
    match = _OF_OPENSSL.fullmatch(name)
    if match is None:
        return None
    cipher = "CHACHA20_POLY1305_SHA256"
    if match["bits"]:
        cipher = f"AES_{match['bits']}_{'GCM' if match['mode'] else 'CBC'}_{match['hash']}"
    return f"TLS_{match['exchange']}_{match['signature']}_WITH_{cipher}"
