"""Endpoints, and how operators write them."""

import pytest

from empath.world import TcpEndpoint, UnixEndpoint, parse_tcp_endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("::", "::", 53),
    ],
)
def test_an_address_may_have_a_port(text: str, host: str, port: int) -> None:
    assert parse_tcp_endpoint(text, default_port=53) == TcpEndpoint(host, port)


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "localhost:25", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:70000", "192.0.2.1:²", "[::1", "[::1]25"],
)
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'"):
        parse_tcp_endpoint(text, default_port=53)


@pytest.mark.parametrize("endpoint", [TcpEndpoint("192.0.2.1", 25), TcpEndpoint("2001:db8::1", 25)])
def test_what_is_shown_can_be_read_again(endpoint: TcpEndpoint) -> None:
    assert parse_tcp_endpoint(str(endpoint), default_port=1) == endpoint


def test_a_unix_socket_is_shown_as_one() -> None:
    assert str(UnixEndpoint("/run/empath.sock")) == "unix:/run/empath.sock"


def test_addresses_know_what_they_are() -> None:
    assert TcpEndpoint("127.0.0.9", 1).is_loopback
    assert TcpEndpoint("::1", 1).is_ipv6
    assert TcpEndpoint("::", 1).is_wildcard
    assert not TcpEndpoint("192.0.2.1", 1).is_loopback
