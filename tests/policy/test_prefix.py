import ipaddress

import pytest

from empath.policy.reception.prefix import Prefixes, client_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_client_has_one_address_however_it_is_written(text: str, address: str) -> None:
    assert client_address(text) == ipaddress.ip_address(address)


@pytest.mark.parametrize("text", ["", "mail.example.org", "192.0.2.1:25"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert client_address(text) is None


@pytest.mark.parametrize(
    ("address", "network", "client"),
    [
        ("192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
        ("::ffff:c000:24d", "192.0.2.0/24", "192.0.2.77"),
        ("", "", ""),
    ],
)
def test_a_client_is_an_address_of_ipv4_or_a_network_of_ipv6(address: str, network: str, client: str) -> None:
    assert (Prefixes().network(address), Prefixes().client(address)) == (network, client)


def test_the_length_of_a_prefix_can_be_chosen() -> None:
    prefixes = Prefixes(ipv4_bits=32, ipv6_bits=48)
    assert prefixes.network("192.0.2.77") == "192.0.2.77/32"
    assert prefixes.client("2001:db8:1:2::9") == "2001:db8:1::/48"


@pytest.mark.parametrize(("ipv4_bits", "ipv6_bits"), [(33, 64), (-1, 64), (24, 129)])
def test_a_length_that_no_address_has_is_refused(ipv4_bits: int, ipv6_bits: int) -> None:
    with pytest.raises(ValueError, match=r"ipv[46]_bits"):
        Prefixes(ipv4_bits, ipv6_bits)
