"""Addresses: everything that reads them, and what may be relied on once one has been read."""

import idna

from empath.smtp import Address, AddressError, AddressLiteral, Domain
from empath.smtp.address import MAX_DOMAIN_OCTETS, MAX_LABEL_OCTETS, MAX_LOCAL_OCTETS, MAX_PATH_OCTETS, parse_path


def fuzz(data: bytes) -> None:
    """What parses is written with the same octets, parses again to an equal value, and has a domain fit for DNS.

    Anything else is an AddressError. The octets are the address itself, tried as mailbox, path, domain and literal.
    """
    for utf8 in (True, False):
        _check_mailbox(data, utf8=utf8)
        _check_path(data, utf8=utf8)
    try:
        _check_domain(Domain.parse(data))
    except AddressError as problem:
        _check_reason(problem)
    try:
        _check_literal(AddressLiteral.parse(data))
    except AddressError as problem:
        _check_reason(problem)


def _check_mailbox(data: bytes, *, utf8: bool) -> None:
    try:
        address = Address.parse(data, utf8=utf8)
    except AddressError as problem:
        _check_reason(problem, could_need_utf8=not (utf8 or data.isascii()))
        return
    assert address.wire == data
    assert Address.parse(str(address)) == address
    assert parse_path(b"<%b>" % data, utf8=utf8) == (address, len(data) + 2)
    _check_address(address, utf8=utf8)


def _check_path(data: bytes, *, utf8: bool) -> None:
    try:
        address, end = parse_path(data, utf8=utf8)
    except AddressError as problem:
        _check_reason(problem)
        return
    assert data[:1] + data[end - 1 : end] == b"<>"
    assert end <= MAX_PATH_OCTETS
    if address is None:
        assert data[:end] == b"<>"
        return
    path = b"<%b>" % address.wire
    assert data[1 : end - 1] == address.wire or (data[1:2] == b"@" and data[:end].endswith(b":" + path[1:]))
    assert parse_path(path, utf8=utf8) == (address, len(path))
    if address.domain is None:
        assert address.local.lower() == b"postmaster"
    else:
        _check_address(address, utf8=utf8)


def _check_address(address: Address, *, utf8: bool) -> None:
    assert len(address.local) <= MAX_LOCAL_OCTETS
    assert utf8 or address.wire.isascii()
    assert address.needs_utf8 is not address.local.isascii()
    assert not any(octet < 32 or octet == 127 for octet in address.wire)
    if isinstance(address.domain, AddressLiteral):
        _check_literal(address.domain)
    elif isinstance(address.domain, Domain):
        _check_domain(address.domain)


def _check_domain(domain: Domain) -> None:
    labels = domain.ascii.split(".")
    assert domain.ascii.isascii()
    assert domain.ascii == domain.ascii.lower()
    assert len(domain.ascii) <= MAX_DOMAIN_OCTETS
    assert all(1 <= len(label) <= MAX_LABEL_OCTETS for label in labels)
    assert not any(label.startswith("-") or label.endswith("-") for label in labels)
    assert all(letter.isalnum() or letter in "-_." for letter in domain.ascii)
    again = Domain.parse(domain.ascii)
    assert (again, hash(again)) == (domain, hash(domain))
    assert Domain.parse(domain.text).text == domain.text
    if not domain.text.isascii():
        # The A-labels are those of IDNA 2008: they read back to U-labels that give them again.
        assert idna.encode(idna.decode(domain.ascii)).decode("ascii") == domain.ascii


def _check_literal(literal: AddressLiteral) -> None:
    again = AddressLiteral.parse(literal.ascii)
    assert (again, again.ip) == (literal, literal.ip)
    assert again.ascii == literal.ascii
    assert AddressLiteral.parse(literal.text).text == literal.text


def _check_reason(problem: AddressError, *, could_need_utf8: bool = True) -> None:
    assert could_need_utf8 or not problem.utf8_needed
    reason = str(problem)
    assert reason
    assert reason.isprintable(), "a reason goes into logs and replies"
