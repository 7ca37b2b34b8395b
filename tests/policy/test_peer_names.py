"""For whom a certificate is."""

import ipaddress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.encryption.peer_names import fits, is_for
from tests.policy.certificates import issue

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("pattern", "name", "does"),
    [
        ("mx.example.org", "mx.example.org", True),
        ("*.example.org", "mx.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.mx.example.org", False),
        ("*.example.org", ".example.org", False),
        ("mx*.example.org", "mx1.example.org", False),
        ("*", "org", False),
        ("mx.example.org", "mx.example.org.", False),
        ("", "", False),
    ],
)
def test_a_wildcard_is_one_whole_label_in_front(pattern: str, name: str, does: bool) -> None:
    assert fits(pattern, name) is does


@given(NAME, NAME)
def test_without_a_wildcard_only_the_same_name_fits(pattern: str, name: str) -> None:
    assert fits(pattern, name) is (pattern == name)


@given(LABEL, NAME)
def test_a_wildcard_has_the_names_that_are_one_label_longer(label: str, parent: str) -> None:
    assert fits(f"*.{parent}", f"{label}.{parent}")
    assert not fits(f"*.{parent}", f"{label}.{label}.{parent}")


def test_one_name_that_is_right_is_enough_in_any_case_of_letters() -> None:
    certificate = issue("x", names=("MX.example.org",)).certificate
    assert is_for(certificate, ("other.example", "mx.Example.org"))
    assert not is_for(certificate, ("other.example",))
    assert not is_for(certificate, ())


def test_an_address_must_be_there_as_an_address() -> None:
    address = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("192.0.2.1")), x509.DNSName("192.0.2.2")]
    )
    certificate = issue("x", extensions=((address, False),)).certificate
    assert is_for(certificate, ("192.0.2.1",))
    assert not is_for(certificate, ("192.0.2.3",))


def test_the_common_name_does_not_count() -> None:
    assert not is_for(issue("mx.example.org").certificate, ("mx.example.org",))
