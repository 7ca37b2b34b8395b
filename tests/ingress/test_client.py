"""What is known of the other end of a session."""

from ipaddress import ip_network

import pytest

from empath.ingress import Client

NETWORKS = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize("ip", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"])
def test_a_client_comes_from_a_network_however_its_address_is_written(ip: str) -> None:
    assert Client(ip=ip).comes_from(NETWORKS)


@pytest.mark.parametrize("ip", ["", "192.0.2.1", "::ffff:192.0.2.1", "2001:db9::1"])
def test_a_client_of_elsewhere_or_without_an_address_does_not(ip: str) -> None:
    assert not Client(ip=ip).comes_from(NETWORKS)


def test_nobody_comes_from_no_network() -> None:
    assert not Client(ip="10.1.2.3").comes_from(())
