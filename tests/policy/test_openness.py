"""Networks that are too many to be trusted."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.openness import too_open

TOO_OPEN = {
    "all of IPv4": ["0.0.0.0/0"],
    "both halves of it": ["0.0.0.0/1", "128.0.0.0/1"],
    "one half of it": ["64.0.0.0/2"],
    "every second part of it": [f"{first}.0.0.0/8" for first in range(1, 224, 2)],
    "all that is not private": [
        "1.0.0.0/8",
        "2.0.0.0/7",
        "4.0.0.0/6",
        "11.0.0.0/8",
        "12.0.0.0/6",
        "16.0.0.0/4",
        "32.0.0.0/3",
    ],
    "all of IPv6": ["::/0"],
    "all of IPv6 that is in use": ["2000::/3"],
    "both halves of that": ["2000::/4", "3000::/4"],
    "IPv4 as an IPv6 socket shows it": ["::ffff:0:0/96"],
    "halves of that": ["::ffff:0:0/97", "::ffff:128.0.0.0/97"],
    "IPv4 behind 6to4": ["2002::/16"],
    "IPv4 behind Teredo": ["2001::/32"],
    "IPv4 behind NAT64": ["64:ff9b::/96"],
    "half of 6to4": ["2002::/17"],
    "half of Teredo": ["2001::/33"],
    "half of NAT64": ["64:ff9b::/97"],
    "a quarter in each of two forms": ["64:ff9b::/98", "2002:4000::/18"],
}


@pytest.mark.parametrize("networks", TOO_OPEN.values(), ids=TOO_OPEN)
def test_too_open_is(networks: list[str]) -> None:
    assert too_open(map(ip_network, networks))


CLOSED = {
    "nothing": [],
    "loopback": ["127.0.0.0/8", "::1/128"],
    "all private networks": [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    ],
    "a network of one organisation": ["192.0.2.0/24", "2001:db8::/32"],
    "the largest there are": ["17.0.0.0/8", "2630::/16"],
    "one host in the form of IPv6": ["::ffff:192.0.2.1/128", "2002:c000:201::/48"],
}


@pytest.mark.parametrize("networks", CLOSED.values(), ids=CLOSED)
def test_not_too_open_is(networks: list[str]) -> None:
    assert too_open(map(ip_network, networks)) is None


@given(st.lists(st.ip_addresses(v=4), max_size=5), st.integers(0, 3))
def test_whatever_stands_beside_it_an_open_relay_is_one(hosts: list[object], prefix: int) -> None:
    assert too_open([ip_network(f"0.0.0.0/{prefix}"), *(ip_network(str(host)) for host in hosts)])
