"""Who may relay."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.relay import REFUSAL, RelayPolicy, RelayRight
from empath.smtp import Address

POLICY = RelayPolicy(
    networks=(ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")),
    domains=frozenset({"example.org", "xn--bcher-kva.example"}),
)


@pytest.mark.parametrize("client", ["192.0.2.1", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.1", "2001:db8::1%eth0"])
def test_clients_inside_the_networks_are_trusted(client: str) -> None:
    assert POLICY.trusts(client)


@pytest.mark.parametrize(
    "client", ["192.0.3.1", "127.0.0.1", "::1", "::192.0.2.1", "2001:db9::1", "::ffff:192.0.3.1", "", "mx", None]
)
def test_all_others_are_not(client: str | None) -> None:
    assert not POLICY.trusts(client)


@pytest.mark.parametrize("recipient", ["a@example.org", "A@EXAMPLE.ORG", "a@bücher.example", "a@xn--BCHER-kva.example"])
def test_anybody_may_send_to_a_relay_domain_in_any_spelling(recipient: str) -> None:
    assert POLICY.right(Address.parse(recipient), trusted=False) is RelayRight.DOMAIN


@pytest.mark.parametrize(
    "recipient",
    [
        "a@example.net",
        "a@sub.example.org",
        "a@notexample.org",
        "a@example.org.evil.example",
        "a@example.orgx",
        "victim%example.net@example.org",
        "example.net!victim@example.org",
        '"victim@example.net"@example.org',
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
    ],
)
def test_strangers_reach_nothing_else(recipient: str) -> None:
    assert POLICY.right(Address.parse(recipient), trusted=False) is None


@pytest.mark.parametrize("recipient", ["a@example.net", "a@[192.0.2.1]", "x%y@example.org", '"a@b"@example.net'])
def test_a_trusted_client_reaches_everybody(recipient: str) -> None:
    assert POLICY.right(Address.parse(recipient), trusted=True) is RelayRight.NETWORK


def test_the_bare_postmaster_is_in_no_domain() -> None:
    assert POLICY.right(Address(b"postmaster", None), trusted=False) is None


@given(st.ip_addresses().map(str), st.sampled_from(["a@example.org", "a@example.net", "a@localhost"]))
def test_an_empty_policy_relays_nothing(client: str, recipient: str) -> None:
    """Defect 11 of the ancestor: it accepted any recipient from anybody."""
    empty = RelayPolicy()
    assert empty.right(Address.parse(recipient), trusted=empty.trusts(client)) is None


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_a_policy_that_trusts_everybody_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match="open relay"):
        RelayPolicy(networks=(ipaddress.ip_network(network),))


def test_the_refusal_is_permanent_and_says_no_more_than_it_must() -> None:
    assert REFUSAL.encode() == b"550 5.7.1 Relaying to this address is not permitted\r\n"
