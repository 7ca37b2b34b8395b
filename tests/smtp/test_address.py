"""Addresses: what is read is what is written, and each decision of the module has its examples here."""

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import Address, AddressError, AddressLiteral, Domain
from empath.smtp.address import parse_path
from tests.smtp.strategies import (
    ascii_addresses,
    ascii_domains,
    ascii_mailboxes,
    literals,
    soup,
    utf8_addresses,
    utf8_domains,
    utf8_mailboxes,
)


def why_not(text: str | bytes) -> str:
    """Why this is no address."""
    with pytest.raises(AddressError) as caught:
        Address.parse(text)
    assert str(caught.value).isprintable()
    return str(caught.value)


def why_no_path(octets: bytes) -> str:
    """Why this is no path."""
    with pytest.raises(AddressError) as caught:
        parse_path(octets, utf8=True)
    assert str(caught.value).isprintable()
    return str(caught.value)


# -- identity


@given(ascii_mailboxes | utf8_mailboxes)
def test_an_address_is_written_as_it_was_read(mailbox: tuple[str, str]) -> None:
    local, domain = mailbox
    address = Address.parse(f"{local}@{domain}")
    assert address.wire == f"{local}@{domain}".encode()
    assert (address.local, str(address.domain)) == (local.encode(), domain)
    assert str(address) == f"{local}@{domain}"


@given(ascii_addresses | utf8_addresses)
def test_a_path_reads_as_the_address_that_was_written_into_it(address: Address) -> None:
    path = b"<%b>" % address.wire
    assert parse_path(path + b" SIZE=5", utf8=True) == (address, len(path))


@given(ascii_domains | utf8_domains)
def test_the_comparison_form_of_a_domain_is_its_own_comparison_form(text: str) -> None:
    domain = Domain.parse(text)
    assert Domain.parse(domain.ascii) == domain
    assert Domain.parse(domain.ascii).ascii == domain.ascii == domain.ascii.lower()
    assert domain.ascii.isascii()


@given(literals)
def test_the_comparison_form_of_a_literal_is_its_own_comparison_form(text: str) -> None:
    literal = AddressLiteral.parse(text)
    assert AddressLiteral.parse(literal.ascii) == literal
    assert str(literal) == text


@given(
    soup(
        b"a",
        b"@",
        b"<",
        b">",
        b":",
        b",",
        b'"',
        b"\\",
        b".",
        b" ",
        b"[",
        b"]",
        b"IPv6:",
        b"::1",
        b"1.2.3.4",
        b"\xc3\xbc",
    )
)
def test_no_text_does_more_than_fail_to_be_an_address(octets: bytes) -> None:
    with contextlib.suppress(AddressError):
        assert Address.parse(octets).wire == octets
    with contextlib.suppress(AddressError):
        path, end = parse_path(b"<" + octets, utf8=True)
        assert path is None or octets[: end - 1].endswith(path.wire + b">")


# -- what there is


def test_two_addresses_are_equal_if_their_local_parts_are_octet_for_octet_and_their_domains_for_dns() -> None:
    assert Address.parse("ann@Example.ORG") == Address.parse("ann@example.org")
    assert Address.parse("ann@bücher.example") == Address.parse("ann@xn--bcher-kva.EXAMPLE")
    assert Address.parse("Ann@example.org") != Address.parse("ann@example.org")
    assert Address.parse('"ann"@example.org') != Address.parse("ann@example.org")


def test_the_null_path_and_the_bare_postmaster_are_paths_and_no_addresses() -> None:
    assert parse_path(b"<>", utf8=False) == (None, 2)
    for text in (b"postmaster", b"PostMaster"):
        postmaster, _ = parse_path(b"<%b>" % text, utf8=False)
        assert postmaster == Address(text, None)
        assert postmaster.wire == text
    assert why_not("postmaster") == why_not("") == "an address has a domain: local@domain"


def test_only_the_local_part_can_make_utf8_necessary() -> None:
    assert Address.parse("bücher@example.org").needs_utf8
    assert not Address.parse("ann@bücher.example").needs_utf8
    assert Address.parse("ann@bücher.example").domain == Domain.parse("xn--bcher-kva.example")


# -- decisions


@pytest.mark.parametrize("domain", ["example.org.", "org.", "."])
def test_a_trailing_dot_is_refused(domain: str) -> None:
    assert why_not(f"ann@{domain}") == "a domain in an address does not end with a dot"
    assert why_no_path(f"<ann@{domain}>".encode()) == "a domain in an address does not end with a dot"


@pytest.mark.parametrize("domain", ["_dmarc.example.org", "my_host.example.org", "_", "a_b"])
def test_an_underscore_in_a_domain_is_accepted(domain: str) -> None:
    assert str(Address.parse(f"ann@{domain}").domain) == domain


@pytest.mark.parametrize("local", ["ann%example.org", "example.org!ann", "a!b%c", "%", "!"])
def test_percent_and_bang_are_ordinary_characters(local: str) -> None:
    address = Address.parse(f"{local}@example.net")
    assert (address.local, address.domain) == (local.encode(), Domain.parse("example.net"))


@pytest.mark.parametrize("route", ["@a", "@a,@b", "@a.example,@b.example,@c-d.example"])
def test_a_source_route_is_read_and_dropped(route: str) -> None:
    path = f"<{route}:ann@example.org>".encode()
    assert parse_path(path, utf8=False) == (Address.parse("ann@example.org"), len(path))


@pytest.mark.parametrize("route", ["@a,b", "@a,", "@", "@a,@", "a", "@a;@b", "@[1.2.3.4]"])
def test_a_malformed_source_route_is_refused_and_named(route: str) -> None:
    why = why_no_path(f"<{route}:ann@example.org>".encode())
    assert ("source route" in why) == route.startswith("@")


def test_a_source_route_is_no_part_of_an_address_that_people_write() -> None:
    assert "must be quoted" in why_not("@a:ann@example.org")


@pytest.mark.parametrize(
    "local", ['"ann"', '""', '"ann ann"', r'"a\"b"', r'"a\\b"', '"a@b"', '"<a>"', '"a..b"', '"."', r'"\ "', '"a>b"']
)
def test_a_quoted_local_part_is_kept_with_its_quotes(local: str) -> None:
    assert Address.parse(f"{local}@example.org").local == local.encode()
    assert parse_path(f"<{local}@example.org>".encode(), utf8=False)[0] == Address.parse(f"{local}@example.org")


@pytest.mark.parametrize(
    "local",
    ["ann ann", "a..b", ".a", "a.", "a@b", "a,b", "a(b)", "a\\b", '"a', 'a"', '"a"b', '"a\\"', "a\tb", '"a\tb"'],
)
def test_what_must_be_quoted_is_refused_without_quotes(local: str) -> None:
    assert why_not(f"{local}@example.org") == "the local part holds characters that must be quoted"


@pytest.mark.parametrize(
    ("text", "ascii_form"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ.org", "example.org"),
        ("例え.jp", "xn--r8jz45g.jp"),
        ("a。example", "a.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("xn--not-punycode-.example", None),
        ("xn--zz99.example", "xn--zz99.example"),
        ("straße.example", "xn--strae-oqa.example"),
    ],
)
def test_an_internationalised_domain_has_a_labels_for_dns(text: str, ascii_form: str | None) -> None:
    if ascii_form is None:
        assert why_not(f"ann@{text}") == "a domain is made of letters, digits and hyphens between dots"
    else:
        domain = Domain.parse(text)
        assert (domain.text, domain.ascii) == (text, ascii_form)


@pytest.mark.parametrize(
    "text", ["☃.example", "-ü.example", "ü-.example", "a\u200db.example", "ü。", "\u0301a.example", "ü_.example"]
)
def test_a_domain_that_idna_does_not_allow_is_refused(text: str) -> None:
    why = why_not(f"ann@{text}")
    assert "internationalised domain" in why or "letters, digits and hyphens" in why


@pytest.mark.parametrize(
    ("text", "ascii_form", "ip"),
    [
        ("[192.0.2.1]", "[192.0.2.1]", ipaddress.ip_address("192.0.2.1")),
        ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]", ipaddress.ip_address("2001:db8::1")),
        ("[ipv6:2001:db8:0:0:0:0:0:1]", "[IPv6:2001:db8::1]", ipaddress.ip_address("2001:db8::1")),
        ("[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:192.0.2.1]", ipaddress.ip_address("::ffff:192.0.2.1")),
        ("[X-Tag:What!]", "[x-tag:What!]", None),
    ],
)
def test_an_address_literal_has_one_form_of_all_that_mean_the_same(text: str, ascii_form: str, ip: object) -> None:
    literal = AddressLiteral.parse(text)
    assert Address.parse(f"ann@{text}").domain == literal
    assert AddressLiteral.parse(ascii_form) == literal
    assert (literal.text, literal.ip) == (text, ip)


@pytest.mark.parametrize(
    "text",
    [
        "[192.0.2]",
        "[192.0.2.256]",
        "[192.0.02.1]",
        "[IPv6:1]",
        "[IPv6:fe80::1%eth0]",
        "[IPv6:192.0.2.1]",
        "[host.example]",
    ],
)
def test_a_literal_without_a_valid_ip_address_is_refused(text: str) -> None:
    assert why_not(f"ann@{text}") == f"{text} holds no valid IP address"


@pytest.mark.parametrize("text", ["[]", "[", "]", "[1.2.3.4", "[a b]", "[[1.2.3.4]]", "[ü]", "1.2.3.4]"])
def test_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="an address literal looks like"):
        AddressLiteral.parse(text)
    assert why_not(f"ann@{text}") in (
        "not an address literal",
        "a domain is made of letters, digits and hyphens between dots",
    )


def test_a_literal_is_no_longer_than_a_domain() -> None:
    assert len(str(AddressLiteral.parse(f"[t:{'x' * 251}]"))) == 255
    with pytest.raises(AddressError, match="an address literal looks like"):
        AddressLiteral.parse(f"[t:{'x' * 252}]")


# -- lengths, RFC 5321 4.5.3.1

LABEL = "x" * 63
DOMAIN_255 = f"{LABEL}.{LABEL}.{LABEL}.{LABEL}"


def test_a_local_part_has_at_most_64_octets() -> None:
    assert len(Address.parse("x" * 64 + "@example.org").local) == 64
    assert why_not("x" * 65 + "@example.org") == "a local part has at most 64 octets"
    assert len(Address.parse("ü" * 32 + "@example.org").local) == 64
    assert why_not("ü" * 32 + "x@example.org") == "a local part has at most 64 octets"
    assert why_not('"' + "x" * 63 + '"@example.org') == "a local part has at most 64 octets"


def test_a_domain_has_at_most_255_octets() -> None:
    assert len(Domain.parse(DOMAIN_255).ascii) == 255
    with pytest.raises(AddressError, match="a domain has at most 255 octets"):
        Domain.parse(f"{LABEL}.{LABEL}.{LABEL}.{LABEL[:-2]}.xy")


def test_a_domain_is_measured_in_a_labels_too() -> None:
    text = "ü." * 60 + "example"
    assert len(text.encode()) < 255
    with pytest.raises(AddressError, match="not a valid internationalised domain"):
        Domain.parse(text)


def test_a_label_has_at_most_63_octets() -> None:
    assert Domain.parse(f"{LABEL}.org").ascii == f"{LABEL}.org"
    with pytest.raises(AddressError, match="a label of a domain has at most 63 octets"):
        Domain.parse(f"{LABEL}x.org")
    with pytest.raises(AddressError, match="not a valid internationalised domain"):
        Domain.parse(f"{'x' * 60}ü.org")


def test_a_path_has_at_most_256_octets_with_its_brackets_and_its_route() -> None:
    domain = f"{LABEL}.{LABEL}.{LABEL}"
    address = "x" * (254 - 1 - len(domain)) + "@" + domain
    path = f"<{address}>".encode()
    assert len(path) == 256
    assert parse_path(path, utf8=False) == (Address.parse(address), 256)
    assert why_no_path(b"<x%b" % path[1:]) == "a path has at most 256 octets"
    assert why_not(f"x{address}") == "an address has at most 254 octets"
    assert why_no_path(b"<@a:%b" % path[1:]) == "a path has at most 256 octets"


# -- UTF-8


@pytest.mark.parametrize("text", ["ü@example.org", "ann@bücher.example", '"ü"@example.org'])
def test_without_smtputf8_an_address_is_ascii(text: str) -> None:
    for read in (lambda: Address.parse(text, utf8=False), lambda: parse_path(f"<{text}>".encode(), utf8=False)):
        with pytest.raises(AddressError, match="SMTPUTF8 was not asked for") as caught:
            read()
        assert caught.value.utf8_needed


def test_what_stands_behind_an_ascii_path_may_be_utf8_without_smtputf8() -> None:
    assert parse_path("<a@b> X=ü".encode(), utf8=False) == (Address.parse("a@b"), 5)


@pytest.mark.parametrize(
    "octets", [b"\xff@example.org", b"ann@\xff.example", b"\xc3@example.org", b"\xed\xa0\x80@example.org"]
)
def test_octets_that_are_neither_ascii_nor_utf8_are_refused(octets: bytes) -> None:
    assert why_not(octets) == "neither ASCII nor UTF-8"


@pytest.mark.parametrize("text", ["\ud800@example.org", "ann@\ud800"])
def test_a_text_that_has_no_octets_is_refused(text: str) -> None:
    assert why_not(text) == "the text cannot be written as UTF-8"


# -- words that help


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ann", "an address has a domain: local@domain"),
        ("@example.org", "the local part is missing"),
        ("ann@", "the domain is missing"),
        ("ann@a..b", "a domain has no empty labels"),
        ("ann@.a", "a domain has no empty labels"),
        ("ann@-a", "a domain is made of letters, digits and hyphens between dots"),
        ("ann@a-", "a domain is made of letters, digits and hyphens between dots"),
        ("ann@a b", "a domain is made of letters, digits and hyphens between dots"),
        ("ann@exa$mple", "a domain is made of letters, digits and hyphens between dots"),
    ],
)
def test_the_reason_for_a_refusal_helps_to_mend_the_address(text: str, why: str) -> None:
    assert why_not(text) == why
    assert why_no_path(f"<{text}>".encode()) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a domain is made of letters, digits and hyphens between dots"),
        ("example.org.", "a domain in an address does not end with a dot"),
        ("a..b", "a domain has no empty labels"),
        ("a b", "a domain is made of letters, digits and hyphens between dots"),
        ("a\0b", "a domain is made of letters, digits and hyphens between dots"),
        ("[192.0.2.1]", "a domain is made of letters, digits and hyphens between dots"),
        ("ann@example.org", "a domain is made of letters, digits and hyphens between dots"),
    ],
)
def test_the_reason_for_a_refusal_helps_to_mend_the_domain(text: str, why: str) -> None:
    with pytest.raises(AddressError) as caught:
        Domain.parse(text)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "the address must stand in angle brackets: <local@domain>"),
        (b"ann@example.org", "the address must stand in angle brackets: <local@domain>"),
        (b" <ann@example.org>", "the address must stand in angle brackets: <local@domain>"),
        (b"<ann@example.org", "the closing angle bracket is missing"),
        (b"<<ann@example.org>>", "the local part holds characters that must be quoted"),
        (b"<@a:ann@b.>", "a domain in an address does not end with a dot"),
        (b"<@a:ann@[IPv6:1::2:]>", "[IPv6:1::2:] holds no valid IP address"),
        (b"<@a>", "the local part is missing"),
        (b"< >", "an address has a domain: local@domain"),
    ],
)
def test_the_reason_for_a_refusal_helps_to_mend_the_path(octets: bytes, why: str) -> None:
    assert why_no_path(octets) == why


@given(st.binary(min_size=1, max_size=40))
def test_any_octets_behind_a_path_are_left_to_the_reader(octets: bytes) -> None:
    assert parse_path(b"<a@b>" + octets, utf8=True) == (Address.parse("a@b"), 5)
