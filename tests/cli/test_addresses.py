"""Addresses as people and headers write them: each is found, and none is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.cli.addresses import listed, named_in_header, own_address, qualified, reverse_path
from empath.cli.complaint import Complaint
from empath.smtp import Address, Domain

HOST = Domain.parse("host.example")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ann@example.org", ["ann@example.org"]),
        ("ann@example.org, bob@example.com", ["ann@example.org", "bob@example.com"]),
        ("root,eve,", ["root", "eve"]),
        ("Ann <ann@example.org>, <bob@example.com>", ["ann@example.org", "bob@example.com"]),
        ('"Smith, J. <no@example.org>" <ann@example.org>', ["ann@example.org"]),
        (r'"a \" b" <ann@example.org>', ["ann@example.org"]),
        ("ann@example.org (Ann, of (all) people)", ["ann@example.org"]),
        ("Friends: ann@example.org, Bob <bob@example.com>;, eve", ["ann@example.org", "bob@example.com", "eve"]),
        ("undisclosed-recipients:;", []),
        ('"odd name"@example.org', ['"odd name"@example.org']),
        ("ann@[IPv6:2001:db8::1], Bob <bob@[192.0.2.1]>", ["ann@[IPv6:2001:db8::1]", "bob@[192.0.2.1]"]),
        ("Jörg <jörg@exämple.org>", ["jörg@exämple.org"]),
        ("two words", ["two words"]),
        ("", []),
        (" , ;", []),
    ],
)
def test_a_list_gives_its_addresses_and_nothing_else(text: str, addresses: list[str]) -> None:
    assert list(listed(text)) == addresses


@pytest.mark.parametrize("text", ["ann@example.org (unclosed, bob@example.com", 'ann@example.org, "unclosed', "a) b@c"])
def test_a_list_that_cannot_be_read_gives_something_that_is_no_address(text: str) -> None:
    with pytest.raises(Complaint):
        [qualified(address, HOST) for address in listed(text)]


@given(st.text(alphabet='ab@.,;:<>()[]"\\ \t', max_size=40))
def test_reading_a_list_always_comes_to_an_end(text: str) -> None:
    assert all(address == address.strip() for address in listed(text) if address != text)


def test_the_header_names_to_cc_and_bcc_in_their_order() -> None:
    message = (
        b"Cc: c@x.example\r\nTo: a@x.example,\r\n b@x.example\r\nBcc: d@x.example\r\nFrom: e@x.example\r\n\r\nTo: f@x"
    )
    assert list(named_in_header(message)) == ["c@x.example", "a@x.example", "b@x.example", "d@x.example"]


def test_a_message_that_was_sent_on_goes_where_it_was_sent_on_to() -> None:
    message = b"Resent-To: new@x.example\r\nTo: old@x.example\r\nResent-Bcc: blind@x.example\r\n\r\n"
    assert list(named_in_header(message)) == ["new@x.example", "blind@x.example"]


def test_a_name_without_a_domain_is_a_mailbox_of_this_host() -> None:
    assert qualified("root", HOST) == Address.parse("root@host.example")
    assert own_address(HOST).domain == HOST


def test_a_sender_can_be_null_given_or_the_user() -> None:
    assert reverse_path("<>", HOST) is reverse_path("", HOST) is None
    assert reverse_path("ann@example.org", HOST) == Address.parse("ann@example.org")
    assert reverse_path(None, HOST) == own_address(HOST)
