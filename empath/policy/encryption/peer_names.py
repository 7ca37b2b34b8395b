"""Whether a certificate is for a host: the names and addresses in it against those that we want to see (RFC 9525 6).

Only subject alternative names count. The common name of the subject does not, even where there is nothing else (RFC
9525 2): it is text, and authorities have put all kinds of things there. ``*`` stands for one whole label, the first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from cryptography import x509


def is_for(certificate: x509.Certificate, names: Iterable[str]) -> bool:
    """Whether a certificate is for one of these: DNS names as A-labels, or IP addresses, in any case of letters."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    patterns = [pattern.lower() for pattern in found.get_values_for_type(x509.DNSName)]
    addresses = set(found.get_values_for_type(x509.IPAddress))
    return any(
        _is_address_in(name, addresses) or any(fits(pattern, name.lower()) for pattern in patterns) for name in names
    )


def fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, both in lower case: ``*.example.org`` has all names one label longer."""
    if pattern.startswith("*."):
        label, _, rest = name.partition(".")
        return bool(label) and rest == pattern[2:]
    return bool(name) and pattern == name


def _is_address_in(name: str, addresses: set[x509.general_name._IPAddressTypes]) -> bool:
    try:
        return ipaddress.ip_address(name) in addresses
    except ValueError:
        return False
