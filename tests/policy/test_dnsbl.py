import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.dnsbl import Zone

ZONE = Zone.parse("bl.example")


def test_the_octets_of_an_address_are_asked_for_in_reverse() -> None:
    """The example of RFC 5782 2.1."""
    assert ZONE.question(ipaddress.ip_address("192.0.2.99")) == "99.2.0.192.bl.example"


def test_the_nibbles_of_an_address_are_asked_for_in_reverse() -> None:
    """The example of RFC 5782 2.4."""
    name = ZONE.question(ipaddress.ip_address("2001:db8:1:2:3:4:567:89ab"))
    assert name == "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example"


@given(st.ip_addresses())
def test_the_name_leads_back_to_the_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    labels = ZONE.question(address).removesuffix(".bl.example").split(".")[::-1]
    if isinstance(address, ipaddress.IPv4Address):
        assert ipaddress.ip_address(".".join(labels)) == address
    else:
        assert int("".join(labels), 16) == int(address)


@pytest.mark.parametrize(
    ("zone", "answer", "listed"),
    [
        ("bl.example", ("127.0.0.2",), True),
        ("bl.example", ("127.9.9.9",), True),
        ("bl.example", ("192.0.2.80",), False),
        ("bl.example", ("::1",), False),
        ("bl.example", ("127.255.255.254",), False),
        ("bl.example", ("127.255.255.254", "127.0.0.2"), True),
        ("bl.example=127.0.0.2", ("127.0.0.3",), False),
        ("bl.example=127.0.0.2 127.0.0.4/30", ("127.0.0.10", "127.0.0.7"), True),
    ],
)
def test_an_answer_counts_if_it_is_a_code_that_the_operator_wants(
    zone: str, answer: tuple[str, ...], listed: bool
) -> None:
    assert Zone.parse(zone).lists(answer) is listed


def test_a_list_that_does_not_answer_us_is_seen() -> None:
    assert ZONE.declines(["127.255.255.252"])
    assert not ZONE.declines(["127.0.0.2", "::1"])


@pytest.mark.parametrize(
    "text", ["", " bl.example", "bl.example=", "bl.example=192.0.2.1", "bl.example=x", "a b=127.0.0.2"]
)
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  what it says is of several sources
        Zone.parse(text)
