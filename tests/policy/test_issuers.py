"""The way from a host to a trust anchor."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from empath.policy.encryption.issuers import MAX_ISSUERS, leads_to
from tests.policy.certificates import NOW, Issued, authority, host, intermediate, issue, root

NAMES = ("mx.example.org",)


def leads(leaf: Issued, *shown: Issued, anchor: Issued | None = None, now: float = NOW) -> bool:
    goal = (anchor or root()).certificate
    return leads_to(leaf.certificate, [one.certificate for one in shown], lambda one: one == goal, now=now)


def usage(*, may_issue: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=may_issue,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def test_a_chain_leads_to_its_root_in_whatever_order_it_is_shown() -> None:
    assert leads(host(), intermediate(), root())
    assert leads(host(), root(), intermediate())
    assert leads(host(), host(), intermediate(), root())


def test_any_issuer_on_the_way_can_be_the_anchor() -> None:
    assert leads(host(), intermediate(), anchor=intermediate())


def test_a_host_is_not_its_own_issuer() -> None:
    own = authority("mx.example.org")
    assert not leads(own, own, anchor=own)


def test_a_link_that_is_missing_or_of_somebody_else_ends_the_way() -> None:
    other = authority("an intermediate", authority("a root"))
    assert not leads(host(), root())
    assert not leads(host(), other, root())
    assert not leads(host(), intermediate(), authority("a root"))


@pytest.mark.parametrize("now", [NOW - 31 * 86_400, NOW + 2 * 86_400])
def test_every_certificate_must_be_valid_today(now: float) -> None:
    assert not leads(host(), intermediate(), root(), now=now)
    old = authority("old", root(), ends=NOW - 1)
    assert not leads(issue("x", old, names=NAMES), old, root())


def test_who_may_not_issue_has_issued_nothing() -> None:
    for extensions in (
        (),
        ((x509.BasicConstraints(ca=False, path_length=None), True),),
        ((x509.BasicConstraints(ca=True, path_length=None), True), (usage(may_issue=False), True)),
    ):
        issuer = issue("no authority", root(), extensions=extensions)
        assert not leads(issue("x", issuer, names=NAMES), issuer, root())
    issuer = issue(
        "one", root(), extensions=((x509.BasicConstraints(ca=True, path_length=0), True), (usage(may_issue=True), True))
    )
    assert leads(issue("x", issuer, names=NAMES), issuer, root())


def test_the_length_of_the_way_is_limited_by_those_on_it() -> None:
    top = authority("top", path_length=0)
    below = authority("below", top)
    assert leads(issue("x", top, names=NAMES), top, anchor=top)
    assert not leads(issue("x", below, names=NAMES), below, top, anchor=top)


def test_what_is_not_understood_is_refused() -> None:
    strange = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    assert leads(issue("x", intermediate(), extensions=((strange, False),)), intermediate(), root())
    assert not leads(issue("x", intermediate(), extensions=((strange, True),)), intermediate(), root())
    constrained = issue(
        "constrained",
        root(),
        extensions=(
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.NameConstraints([x509.DNSName("example.org")], None), False),
        ),
    )
    assert not leads(issue("x", constrained, names=NAMES), constrained, root())


def test_a_certificate_that_says_what_it_is_for_must_be_for_servers() -> None:
    for purpose, does in ((ExtendedKeyUsageOID.SERVER_AUTH, True), (ExtendedKeyUsageOID.CLIENT_AUTH, False)):
        leaf = issue("x", intermediate(), extensions=((x509.ExtendedKeyUsage([purpose]), False),))
        assert leads(leaf, intermediate(), root()) is does


def test_nobody_makes_us_look_at_certificates_without_end() -> None:
    others = [authority(f"other {number}") for number in range(MAX_ISSUERS)]
    assert not leads(host(), *others, intermediate(), root())
