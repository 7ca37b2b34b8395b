"""What XCLIENT says about a client: ``empath.smtp.xclient``."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import Extensions, Introduction, Reply, Xclient, introduce
from empath.smtp.xclient import ATTRIBUTES, OFFER, names_login
from tests.smtp.strategies import PRINTABLE

NOBODY = Introduction()
ANN = Introduction(ip="192.0.2.7", port=25, name="mx.example.org", hello="mx", esmtp=True, login="ann")


def said(*attributes: tuple[str, str], known: Introduction = NOBODY) -> Introduction:
    introduction = introduce(Xclient(attributes), known)
    assert isinstance(introduction, Introduction)
    return introduction


def refusal(*attributes: tuple[str, str]) -> str:
    reply = introduce(Xclient(attributes), NOBODY)
    assert isinstance(reply, Reply)
    return str(reply)


def test_everything_can_be_said_at_once() -> None:
    everything = said(
        *(
            ("NAME", "mx.example.org"),
            ("ADDR", "192.0.2.7"),
            ("PORT", "4711"),
            ("PROTO", "ESMTP"),
            ("HELO", "[192.0.2.7]"),
        ),
        *(("LOGIN", "ann"), ("DESTADDR", "IPV6:2001:db8::19"), ("DESTPORT", "587")),
    )
    assert everything == Introduction(
        ip="192.0.2.7",
        port=4711,
        name="mx.example.org",
        hello="[192.0.2.7]",
        esmtp=True,
        login="ann",
        server_ip="2001:db8::19",
        server_port=587,
    )


def test_the_offer_names_every_attribute() -> None:
    assert Extensions.of(OFFER).keywords == {"XCLIENT": ATTRIBUTES}


@pytest.mark.parametrize(
    ("value", "ip"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("IPV6:2001:DB8::7", "2001:db8::7"),
        ("ipv6:::1", "::1"),
        ("IPv6:::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_an_address_is_of_ipv4_or_behind_a_prefix_of_ipv6(value: str, ip: str) -> None:
    assert said(("ADDR", value)).ip == ip


@pytest.mark.parametrize("value", ["[UNAVAILABLE]", "[unavailable]", "[TEMPUNAVAIL]"])
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_may_be_unavailable(name: str, value: str) -> None:
    everything = Introduction(
        ip="192.0.2.7", port=1, name="a", hello="a", esmtp=True, login="a", server_ip="192.0.2.1", server_port=25
    )
    kept = said((name, value), known=everything)
    fields = {"ADDR": kept.ip, "PORT": kept.port, "NAME": kept.name, "HELO": kept.hello, "PROTO": kept.esmtp}
    fields |= {"LOGIN": kept.login, "DESTADDR": kept.server_ip, "DESTPORT": kept.server_port}
    assert fields[name] is None


def test_what_is_left_out_stays_known_but_for_what_belongs_to_one_client_alone() -> None:
    assert said(("PORT", "26"), known=ANN) == Introduction(ip="192.0.2.7", port=26, name="mx.example.org")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("ADDR", value) for value in ("", "2001:db8::7", "192.0.2.07", "192.0.2", "[192.0.2.7]", "mx.example.org")],
        *[("ADDR", value) for value in ("IPV6:", "IPV6:192.0.2.7", "IPV6:fe80::1%eth0", "IPV6", "IPV4:192.0.2.7")],
        *[("PORT", value) for value in ("", "-1", "65536", "000000", "\N{SUPERSCRIPT TWO}", "smtp")],
        *[("PROTO", value) for value in ("", "LMTP", "ESMTPS")],
        *[("HELO", value) for value in ("", "two words", "a" * 256, "(comment)", "<a>")],
        *[("NAME", value) for value in ("", "two words", "[UNKNOWN")],
        *[("LOGIN", value) for value in ("", "a" * 256)],
        ("DESTADDR", "mx.example.org"),
        ("DESTPORT", "70000"),
        ("XFORWARD", "192.0.2.7"),
    ],
)
def test_what_is_malformed_is_refused_and_nothing_of_it_counts(name: str, value: str) -> None:
    assert refusal(("DESTPORT" if name != "DESTPORT" else "PORT", "25"), (name, value)).startswith("501 5.5.4 ")


def test_an_attribute_is_said_once() -> None:
    assert refusal(("ADDR", "192.0.2.7"), ("ADDR", "192.0.2.8")).endswith("given twice")


@given(st.lists(st.tuples(st.sampled_from(ATTRIBUTES), st.text(PRINTABLE, max_size=20)), min_size=1, max_size=4))
def test_whatever_is_said_becomes_well_formed_values_or_a_refusal(attributes: list[tuple[str, str]]) -> None:
    known = introduce(Xclient(tuple(attributes)), NOBODY)
    if isinstance(known, Reply):
        assert known.code == 501
        return
    assert names_login(Xclient(tuple(attributes))) is (known.login is not None)
    for ip in filter(None, (known.ip, known.server_ip)):
        assert str(ipaddress.ip_address(ip)) == ip
    assert all(0 <= port <= 65535 for port in (known.port or 0, known.server_port or 0))
