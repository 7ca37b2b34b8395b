"""Where a domain wants to hear of TLS with its hosts: a record in DNS (RFC 8460 3)::

    _smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:tls@example.org, https://tls.example.org/v1"

Fields that are not known are passed over, and so are places that are neither of the two kinds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

from empath.smtp import Address, AddressError

MAX_PLACES: Final = 4
"""How many places of one domain get a report; the first ones do."""
_MAX_LENGTH: Final = 1000
_VERSION: Final = b"v=TLSRPTv1"
_WSP: Final = " \t"


def places(texts: Iterable[bytes]) -> tuple[str, ...]:
    """The URIs of the record among these; none: the domain wants no reports.

    Records about something else are passed over. Two that are about this are as good as none (RFC 8460 3).
    """
    ours = [text for text in texts if text.partition(b";")[0].rstrip(b" \t") == _VERSION]
    if len(ours) != 1 or not ours[0].isascii():
        return ()
    for part in ours[0].decode("ascii").split(";")[1:]:
        name, equals, value = part.partition("=")
        if name.strip(_WSP) == "rua" and equals:
            found = dict.fromkeys(uri.strip(_WSP) for uri in value.split(","))
            return tuple(uri for uri in found if _is_usable(uri))[:MAX_PLACES]
    return ()


def mail_address(uri: str) -> Address | None:
    """The one mailbox of a mailto URI (RFC 6068 2), or None. What is to stand in the message is ours to say."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return None
    try:
        address = Address.parse(unquote_to_bytes(rest.partition("?")[0]))
    except (AddressError, ValueError):
        return None
    return None if address.needs_utf8 or address.domain is None else address


def _is_usable(uri: str) -> bool:
    if len(uri) > _MAX_LENGTH or not uri.isprintable() or " " in uri:
        return False
    if mail_address(uri) is not None:
        return True
    try:
        parts = urlsplit(uri)
        return parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        return False
