"""Addresses: RFC 5321 4.1.2 and 4.1.3, internationalised by RFC 6531 3.3.

An ``Address`` keeps the octets of its local part exactly as they were written, quotes and case included: only the
host that a domain names may interpret them (RFC 5321 2.3.11). A domain keeps its text and has one more form, ``ascii``:
A-labels in lower case, valid for DNS, and the form that domains are compared by.

Decided here, since the RFCs leave it open or practice differs:

- A trailing dot is refused. RFC 5321 has no such domain, and ``example.org.`` must not slip past a list of domains.
- An underscore in an ASCII domain is accepted. RFC 5321 has none, DNS has, and mail to such domains exists. IDNA has
  none, so one beside a non-ASCII label is refused.
- Percent and bang are ordinary characters of a local part and are never interpreted (RFC 5321 appendix F.2).
- A source route is read and dropped (RFC 5321 3.6.1, appendix C): ``<@a,@b:c@d>`` is ``<c@d>``.
- Non-ASCII domains must be valid under IDNA 2008 with the mapping of UTS 46. ``xn--`` labels are taken as they are.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

import idna
from attrs import field, frozen

from empath.smtp import grammar
from empath.smtp.errors import AddressError

MAX_LOCAL_OCTETS: Final = 64
MAX_DOMAIN_OCTETS: Final = 255
MAX_PATH_OCTETS: Final = 256
"""RFC 5321 4.5.3.1.1 to 4.5.3.1.3; a path counts its angle brackets and, with a source route, that too."""
MAX_LABEL_OCTETS: Final = 63
"""RFC 1035 2.3.4."""


@frozen
class Domain:
    """A domain name. Made by ``Domain.parse``; equal to another if ``ascii`` is."""

    text: str = field(eq=False)
    """As it was written."""
    ascii: str
    """A-labels in lower case: what goes to DNS, and to hosts that know no UTF-8."""

    @classmethod
    def parse(cls, text: str | bytes) -> Domain:
        """Read a domain; anything else is an AddressError that says why."""
        return _domain(_octets(text))

    def __str__(self) -> str:
        """As it was written."""
        return self.text


@frozen
class AddressLiteral:
    """A host by address: ``[192.0.2.1]``, ``[IPv6:2001:db8::1]`` or ``[tag:content]`` (RFC 5321 4.1.3)."""

    text: str = field(eq=False)
    """As it was written, brackets included."""
    ascii: str
    """The one form of all that mean the same; literals are compared by it."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address | None
    """The address; None for a tag that nobody has standardised yet."""

    @classmethod
    def parse(cls, text: str | bytes) -> AddressLiteral:
        """Read a literal with its brackets; anything else is an AddressError that says why."""
        octets = _octets(text)
        match = grammar.LITERAL.fullmatch(octets)
        if match is None or len(octets) > MAX_DOMAIN_OCTETS:
            raise AddressError("an address literal looks like [192.0.2.1] or [IPv6:2001:db8::1]")
        written, content = octets.decode("ascii"), match["content"].decode("ascii")
        tag = (match["tag"] or b"").decode("ascii")
        try:
            if not tag:
                v4 = ipaddress.IPv4Address(content)
                return cls(written, f"[{v4}]", v4)
            if tag.lower() == "ipv6":
                # A zone ("fe80::1%eth0") means something on the host that wrote it alone; Python would read it.
                v6 = ipaddress.IPv6Address(content.replace("%", "no zone"))
                return cls(written, f"[IPv6:{v6}]", v6)
        except ValueError:
            raise AddressError(f"{written} holds no valid IP address") from None
        return cls(written, f"[{tag.lower()}:{content}]", None)

    def __str__(self) -> str:
        """As it was written."""
        return self.text


@frozen
class Address:
    """A mailbox, or the bare ``postmaster`` that every host has (RFC 5321 4.5.1)."""

    local: bytes
    """The local part as it was written: a dot-string or a quoted string with its quotes."""
    domain: Domain | AddressLiteral | None
    """None for the bare ``postmaster`` alone."""

    @classmethod
    def parse(cls, text: str | bytes, *, utf8: bool = True) -> Address:
        """Read ``local@domain``, without angle brackets; anything else is an AddressError that says why.

        With ``utf8`` false, an address that needs SMTPUTF8 is an AddressError too.
        """
        octets = _octets(text)
        match = grammar.MAILBOX.fullmatch(octets)
        if match is None:
            raise AddressError(_why_not(octets))
        if len(octets) > MAX_PATH_OCTETS - 2:
            raise AddressError(f"an address has at most {MAX_PATH_OCTETS - 2} octets")
        if not (utf8 or octets.isascii()):
            raise AddressError("the address is not ASCII and SMTPUTF8 was not asked for", utf8_needed=True)
        return _mailbox(match["local"], match["domain"])

    @property
    def wire(self) -> bytes:
        """As it goes over the wire, without angle brackets: what was read is what is written."""
        return self.local if self.domain is None else b"%b@%b" % (self.local, self.domain.text.encode())

    @property
    def needs_utf8(self) -> bool:
        """Whether no form of this address can go without SMTPUTF8. A non-ASCII domain alone can: by its A-labels."""
        return not self.local.isascii()

    def __str__(self) -> str:
        """The address as text, without angle brackets."""
        return self.wire.decode()


def parse_path(octets: bytes, *, utf8: bool) -> tuple[Address | None, int]:
    """Read the path at the start of ``octets``: ``<local@domain>``, ``<>`` (None) or ``<postmaster>``.

    Returns the address without its source route, and how many octets the path took. Anything else is an AddressError.
    """
    match = grammar.PATH.match(octets)
    if match is None:
        raise AddressError(_why_no_path(octets))
    local, domain, postmaster = match["local"], match["domain"], match["postmaster"]
    end = match.end()
    if end > MAX_PATH_OCTETS:
        raise AddressError(f"a path has at most {MAX_PATH_OCTETS} octets")
    if local is None:
        return (Address(postmaster, None) if postmaster else None), end
    if not (utf8 or octets.isascii() or octets[:end].isascii()):
        raise AddressError("the address is not ASCII and SMTPUTF8 was not asked for", utf8_needed=True)
    return _mailbox(local, domain), end


def _octets(text: str | bytes) -> bytes:
    try:
        return text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise AddressError("the text cannot be written as UTF-8") from None


def _mailbox(local: bytes, domain: bytes) -> Address:
    if len(local) > MAX_LOCAL_OCTETS:
        raise AddressError(f"a local part has at most {MAX_LOCAL_OCTETS} octets")
    if not local.isascii():
        _decode(local)
    if domain[0] == 0x5B:  # an opening bracket
        return Address(local, AddressLiteral.parse(domain))
    return Address(local, _domain(domain))


@lru_cache(maxsize=4096)
def _domain(octets: bytes) -> Domain:
    if grammar.DOMAIN.fullmatch(octets) is None:
        raise AddressError(_why_no_domain(octets))
    text = _decode(octets)
    if len(octets) > MAX_DOMAIN_OCTETS:
        raise AddressError(f"a domain has at most {MAX_DOMAIN_OCTETS} octets")
    ascii_form = text.lower()
    if not octets.isascii():
        try:
            ascii_form = idna.encode(text, uts46=True).decode("ascii").lower()
        except idna.IDNAError as problem:
            raise AddressError(f"not a valid internationalised domain: {problem}") from None
        if len(ascii_form) > MAX_DOMAIN_OCTETS or grammar.DOMAIN.fullmatch(ascii_form.encode()) is None:
            raise AddressError("not a valid internationalised domain")
    if max(map(len, ascii_form.split("."))) > MAX_LABEL_OCTETS:
        raise AddressError(f"a label of a domain has at most {MAX_LABEL_OCTETS} octets")
    return Domain(text, ascii_form)


def _decode(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise AddressError("neither ASCII nor UTF-8") from None


def _why_no_domain(octets: bytes) -> str:
    if octets.endswith(b"."):
        return "a domain in an address does not end with a dot"
    if b".." in octets or octets.startswith(b"."):
        return "a domain has no empty labels"
    return "a domain is made of letters, digits and hyphens between dots"


def _why_not(octets: bytes) -> str:
    """Why ``octets`` are no mailbox, in words that help to mend them."""
    local, at, domain = octets.rpartition(b"@")
    if not at:
        return "an address has a domain: local@domain"
    if not local:
        return "the local part is missing"
    if not domain:
        return "the domain is missing"
    if grammar.DOMAIN.fullmatch(domain) is None and not domain.startswith(b"["):
        return _why_no_domain(domain)
    return "the local part holds characters that must be quoted" if domain[0] != 0x5B else "not an address literal"


def _why_no_path(octets: bytes) -> str:
    """Why no path stands at the start of ``octets``."""
    if not octets.startswith(b"<"):
        return "the address must stand in angle brackets: <local@domain>"
    inner, closing, _ = octets[1:].partition(b">")
    if not closing:
        return "the closing angle bracket is missing"
    mailbox = inner.partition(b":")[2] if inner.startswith(b"@") else b""
    if grammar.MAILBOX.fullmatch(mailbox):
        return "the source route in front of the address is malformed: leave it out"
    return _why_not(mailbox or inner)
