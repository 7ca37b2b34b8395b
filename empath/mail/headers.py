"""Header fields as bytes: found without being parsed, and the two trace fields that we write (RFC 5321 4.4).

A relay hands content on octet by octet, so it must never read a message into objects and write it out again. All it
needs is where the header section ends, which fields are there, and how often the message has been relayed. That takes
time linear in the section, whatever is in it: no comments are nested, no addresses counted, no words decoded.

A field is a name, a colon and a value that goes on in all lines that begin with a space or a tab (RFC 5322 2.2). The
section ends with the first empty line, or before the first line that is no field: what follows is body to us. Lines end
with CRLF; a message with a CR or LF that stands alone was refused when it came in.

`received` is safe against whatever a client calls itself: each part is written from a fixed set of characters, and no
part can end the field, close a comment or begin a line.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from empath.mail.cipher_names import registered_name
from empath.mail.envelope import Envelope, Origin
from empath.mail.ids import MessageId
from empath.smtp import Address, AddressError, AddressLiteral, Domain

# RFC 5322 3.6.8 field-name = 1*(%d33-57 / %d59-126); spaces before the colon are obsolete and exist (4.5.8).
# Possessive throughout: what one step has eaten no other may try again, which is what makes it linear.
_FIELD: Final = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+)\r\n")
_SECTION: Final = re.compile(rb"(?>[!-9;-~]++[ \t]*+:[^\r\n]*+\r\n(?>[ \t][^\r\n]*+\r\n)*+)*+")
_FOLD: Final = re.compile(rb"\r\n[ \t]+")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.:\[\]/+-]")
_MAX_PART: Final = 255

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Field(NamedTuple):
    """One header field."""

    name: bytes
    """In lower case: names are compared without regard to case (RFC 5322 1.2.2)."""
    value: bytes
    """All behind the colon as it is written, without the CRLF at its end."""

    @property
    def unfolded(self) -> bytes:
        """The value as one line, without white space around it (RFC 5322 2.2.3)."""
        return _FOLD.sub(b" ", self.value).strip(b" \t")


def split(message: bytes) -> tuple[bytes, bytes]:
    """The header section, with the CRLF of its last field, and the body behind the empty line.

    Without an empty line the body begins with the first line that is no field.
    """
    end = section_end(message)
    return message[:end], message[end + 2 :] if message.startswith(b"\r\n", end) else message[end:]


def section_end(message: bytes) -> int:
    """Where the header section ends: how many octets it has, the CRLF of its last field included."""
    match = _SECTION.match(message)
    return match.end() if match else 0


def without(section: bytes, name: bytes) -> bytes:
    """A header section without the fields of one name, in lower case. The others stay as they are, octet by octet."""
    kept, end = [], 0
    while match := _FIELD.match(section, end):
        end = match.end()
        if match[1].lower() != name:
            kept.append(match[0])
    return b"".join(kept)


def fields(section: bytes) -> Iterator[Field]:
    """The fields of a header section in their order, up to the first line that is none."""
    end = 0
    while match := _FIELD.match(section, end):
        yield Field(match[1].lower(), match[2])
        end = match.end()


def hops(section: bytes) -> int:
    """How many Received fields there are: how often the message was relayed (RFC 5321 6.3).

    Counted in the usual spelling only. Ours has it, so a loop that we are part of is always seen.
    """
    lowered = section.lower()
    return lowered.startswith(b"received:") + lowered.count(b"\r\nreceived:")


def received(envelope: Envelope, message: MessageId, *, hostname: str) -> bytes:
    """The Received field that we put on top of a message that came from outside (RFC 5321 4.4).

    The only recipient is named; of several none is, since each would learn of the others (RFC 5321 7.2).
    """
    origin = envelope.origin
    if origin is None:
        raise ValueError("a message that was made here was received from nobody")
    lines = [f"Received: from {_client(origin)}", f"by {_safe(hostname)} with {_how(origin)} id {message}"]
    if len(envelope.recipients) == 1:
        lines.append(f"for <{header_address(envelope.recipients[0].address)}>")
    if suite := registered_name(origin.tls_cipher or ""):
        lines.append(f"tls {suite}")  # RFC 8314 4.3
    return ("\r\n\t".join(lines) + f";\r\n\t{date(envelope.received)}\r\n").encode()


def header_address(address: Address) -> str:
    """An address for a header field: with A-labels, unless the local part needs UTF-8 in the header anyway."""
    if address.domain is None or address.needs_utf8:
        return str(address)
    return f"{address.local.decode('ascii')}@{address.domain.ascii}"


def date(moment: float) -> str:
    """A moment in seconds since 1970 as RFC 5322 3.3 writes it, in UTC."""
    return _date(int(moment))


@lru_cache(maxsize=16)
def _date(second: int) -> str:
    t = time.gmtime(second)
    day, month = _DAYS[t.tm_wday], _MONTHS[t.tm_mon - 1]
    return f"{day}, {t.tm_mday} {month} {t.tm_year:04d} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"


def _client(origin: Origin) -> str:
    """Extended-Domain of RFC 5321 4.4: what the client called itself, and the address that is known to be its own."""
    address = _literal(origin.client_ip)
    hello = _hello(origin.hello)
    if hello is None:
        return f"{address or 'unknown'} (HELO {_safe(origin.hello)})"
    return f"{hello} ({address})" if address else hello


@lru_cache(maxsize=1024)
def _hello(name: str) -> str | None:
    """``name`` if it is a domain or an address literal, as the field must have there; else None."""
    try:
        return AddressLiteral.parse(name).ascii if name.startswith("[") else Domain.parse(name).ascii
    except AddressError:
        return None


@lru_cache(maxsize=1024)
def _literal(client_ip: str | None) -> str:
    try:
        address = ipaddress.ip_address(client_ip or "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return f"[{address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else address}]"
    # The zone of a link-local address means something on this host only; RFC 5321 4.1.3 has none.
    return f"[IPv6:{str(address).partition('%')[0]}]"


def _how(origin: Origin) -> str:
    protocol = _safe(origin.protocol)
    return f"{protocol} ({_safe(origin.tls_version)})" if origin.tls_version else protocol


def _safe(text: str) -> str:
    return _UNSAFE.sub("?", text[:_MAX_PART]) or "?"
