"""Header sections as bytes, and the fields that we write."""

import re
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.headers import date, fields, hops, received, split, without
from empath.mail.ids import MessageId
from empath.smtp import Address

MID = MessageId(1762772405, 42)
ORIGIN = Origin(client_ip="192.0.2.1", hello="client.example.com", protocol="ESMTP", listener="mx")
ENVELOPE = Envelope(
    reverse_path=Address.parse("billing@example.com"),
    recipients=(Recipient(Address.parse("ann@example.org")),),
    received=1762772405.9,
    origin=ORIGIN,
)
# RFC 5321 4.4: the clauses in their order, with comments where CFWS stands. One line once unfolded.
STAMP = re.compile(
    rb"Received: from (?:[A-Za-z0-9._-]+|\[[A-Za-z0-9:.]+\])(?: \(\[[A-Za-z0-9:.]+\]\)| \(HELO [^()\\ ]+\))?"
    rb" by [A-Za-z0-9.-]+ with [A-Z0-9?]+(?: \([^()\\ ]+\))? id [0-9a-f]+-[0-9a-f]+"
    rb"(?: for <[^<>]+>)?(?: tls TLS_[A-Z0-9_]+)?;"
    rb" (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000\r\n"
)


def stamp(envelope: Envelope = ENVELOPE) -> bytes:
    return received(envelope, MID, hostname="mx.example.org")


@pytest.mark.parametrize(
    ("message", "section", "body"),
    [
        (b"A: b\r\n\r\nbody\r\n", b"A: b\r\n", b"body\r\n"),
        (b"A: b\r\n c\r\n\td\r\n\r\n\r\nx", b"A: b\r\n c\r\n\td\r\n", b"\r\nx"),
        (b"\r\nbody", b"", b"body"),
        (b"", b"", b""),
        (b"A: b\r\n", b"A: b\r\n", b""),
        (b"no field\r\nA: b\r\n", b"", b"no field\r\nA: b\r\n"),
        (b"A: b\r\nno field\r\n\r\nx", b"A: b\r\n", b"no field\r\n\r\nx"),
        (b"A : b\r\n\r\n", b"A : b\r\n", b""),
        (b" folded\r\nA: b\r\n\r\n", b"", b" folded\r\nA: b\r\n\r\n"),
        (b"A: b\r\nunfinished: ", b"A: b\r\n", b"unfinished: "),
        (b"A:\xff\x00\r\n\r\n", b"A:\xff\x00\r\n", b""),
    ],
)
def test_the_section_ends_with_the_empty_line_or_the_first_line_that_is_no_field(
    message: bytes, section: bytes, body: bytes
) -> None:
    assert split(message) == (section, body)


@given(st.binary(max_size=200) | st.text("A:b \t\r\n", max_size=60).map(str.encode))
def test_nothing_is_lost_and_the_fields_are_the_section(message: bytes) -> None:
    section, body = split(message)
    assert message in (section + body, section + b"\r\n" + body)
    rebuilt = b"".join(field.name + b":" + field.value + b"\r\n" for field in fields(section))
    assert re.sub(rb"[ \t]*:", b":", section.lower()) == re.sub(rb"[ \t]*:", b":", rebuilt.lower())


def test_fields_come_in_order_with_names_in_lower_case() -> None:
    found = list(fields(b"Subject: one\r\n\ttwo\r\nX-Y:z\r\n"))
    assert [(field.name, field.unfolded) for field in found] == [(b"subject", b"one two"), (b"x-y", b"z")]
    assert found[0].value == b" one\r\n\ttwo"


def test_hops_are_counted_in_any_case_and_nowhere_but_at_the_start_of_a_field() -> None:
    section = b"RECEIVED: a\r\nX: y\r\n Received: folded\r\nreceived:\r\nX-Received: z\r\nReceived-SPF: pass\r\n"
    assert hops(section) == 2


@pytest.mark.parametrize("piece", [b"a: b\r\n", b"a:\r\n b\r\n", b"a: " + b"(" * 70 + b"\r\n", b"a:" + b" " * 80])
def test_a_huge_section_takes_time_in_proportion(piece: bytes) -> None:
    # A quadratic step would take minutes here, and the time limit of the run would end it.
    section = piece * (3_000_000 // len(piece)) + b"\r\n"
    assert split(section)[0] == (section[:-2] if section.endswith(b"\r\n\r\n") else section)
    assert sum(1 for _ in fields(section)) >= 1
    assert hops(section) == 0


def test_the_stamp_of_an_ordinary_message() -> None:
    """Defect 11 of the ancestor: it added no Received field, and so could not see a loop either."""
    assert stamp() == (
        b"Received: from client.example.com ([192.0.2.1])\r\n"
        b"\tby mx.example.org with ESMTP id 6911c5b5-2a\r\n"
        b"\tfor <ann@example.org>;\r\n"
        b"\tMon, 10 Nov 2025 11:00:05 +0000\r\n"
    )


def test_the_stamp_of_a_message_that_came_by_tls() -> None:
    origin = evolve(ORIGIN, protocol="ESMTPS", tls_version="TLSv1.3", tls_cipher="TLS_AES_256_GCM_SHA384")
    lines = stamp(evolve(ENVELOPE, origin=origin)).split(b"\r\n\t")
    assert lines[1] == b"by mx.example.org with ESMTPS (TLSv1.3) id 6911c5b5-2a"
    assert lines[3] == b"tls TLS_AES_256_GCM_SHA384;"


@pytest.mark.parametrize("protocol", ["ESMTPS", "ESMTPA", "ESMTPSA", "UTF8SMTP", "UTF8SMTPSA", "SMTP"])
def test_the_stamp_says_how_the_message_came(protocol: str) -> None:
    assert b" with %b id " % protocol.encode() in stamp(evolve(ENVELOPE, origin=evolve(ORIGIN, protocol=protocol)))


def test_a_cipher_of_tls_1_2_is_given_its_registered_name() -> None:
    origin = evolve(ORIGIN, tls_version="TLSv1.2", tls_cipher="ECDHE-RSA-AES256-GCM-SHA384")
    assert b"\ttls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384;" in stamp(evolve(ENVELOPE, origin=origin))


def test_a_login_is_nobodys_business() -> None:
    assert stamp(evolve(ENVELOPE, origin=evolve(ORIGIN, user="ann"))) == stamp()


def test_fields_of_one_name_are_taken_out_and_the_others_stay_as_they_are() -> None:
    section = b"A: b\r\nX:\r\n y\r\nx : z\r\nC:\td\r\n"
    assert without(section, b"x") == b"A: b\r\nC:\td\r\n"
    assert without(section, b"q") == section


def test_a_cipher_without_a_registered_name_gets_no_clause() -> None:
    origin = evolve(ORIGIN, tls_version="TLSv1.2", tls_cipher="PSK-AES128-CBC-SHA")
    assert b"tls " not in stamp(evolve(ENVELOPE, origin=origin))


def test_several_recipients_do_not_learn_of_each_other() -> None:
    assert b"for " not in stamp(evolve(ENVELOPE, recipients=ENVELOPE.recipients * 2))


@pytest.mark.parametrize(
    ("client_ip", "hello", "written"),
    [
        ("2001:db8::1", "Client.Example", b"client.example ([IPv6:2001:db8::1])"),
        ("::ffff:192.0.2.1", "a.example", b"a.example ([192.0.2.1])"),
        ("fe80::1%eth0", "a.example", b"a.example ([IPv6:fe80::1])"),
        ("192.0.2.1", "[192.0.2.1]", b"[192.0.2.1] ([192.0.2.1])"),
        ("192.0.2.1", "not:a:domain", b"[192.0.2.1] (HELO not:a:domain)"),
        ("192.0.2.1", "", b"[192.0.2.1] (HELO ?)"),
        (None, "localhost", b"localhost"),
        (None, "a b", b"unknown (HELO a?b)"),
        ("192.0.2.1", "x) by y\r\nEvil: yes\r\n(", b"[192.0.2.1] (HELO x??by?y??Evil:?yes???)"),
    ],
)
def test_the_client_is_named_by_its_address_and_by_what_it_claims(
    client_ip: str | None, hello: str, written: bytes
) -> None:
    origin = evolve(ORIGIN, client_ip=client_ip, hello=hello)
    assert stamp(evolve(ENVELOPE, origin=origin)).split(b"\r\n")[0] == b"Received: from " + written


@given(
    st.builds(
        Origin,
        client_ip=st.none() | st.ip_addresses().map(str),
        hello=st.text(),
        protocol=st.just("ESMTP"),
        listener=st.text(),
        tls_version=st.none() | st.text(),
        tls_cipher=st.none() | st.just("TLS_AES_128_GCM") | st.text(),
    )
)
def test_whatever_a_client_says_the_stamp_is_one_well_formed_field(origin: Origin) -> None:
    field = stamp(evolve(ENVELOPE, origin=origin))
    assert STAMP.fullmatch(field.replace(b"\r\n\t", b" "))
    assert max(map(len, field.split(b"\r\n"))) <= 998
    assert [name for name, _ in fields(field)] == [b"received"]
    assert hops(field) == 1


def test_an_international_domain_is_named_in_ascii() -> None:
    recipient = Recipient(Address.parse("ann@bücher.example"))
    assert b"for <ann@xn--bcher-kva.example>" in stamp(evolve(ENVELOPE, recipients=(recipient,)))


def test_an_international_local_part_is_named_in_utf8() -> None:
    recipient = Recipient(Address.parse("jörg@bücher.example"))
    assert "for <jörg@bücher.example>".encode() in stamp(evolve(ENVELOPE, recipients=(recipient,)))


def test_a_message_made_here_was_received_from_nobody() -> None:
    with pytest.raises(ValueError, match="made here"):
        stamp(evolve(ENVELOPE, origin=None))


@given(st.integers(0, 4_102_444_800))
def test_dates_are_read_by_others_as_they_were_meant(second: int) -> None:
    assert parsedate_to_datetime(date(second)).timestamp() == second


def test_the_standard_library_reads_the_stamp() -> None:
    message = message_from_bytes(stamp() + b"\r\n", policy=policy.default)
    assert message["received"].endswith("Mon, 10 Nov 2025 11:00:05 +0000")
