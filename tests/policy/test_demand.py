"""What hosts must show, for every policy and everything that a domain may have published."""

from itertools import product

import pytest
from attrs import evolve

from empath.policy.encryption.demand import Demand, Shown, TlsaSet, demand, proven, unchecked, unmet
from empath.policy.encryption.tls import TlsPolicy
from tests.policy.certificates import NOW, chain, host, issue
from tests.policy.test_dane import Record, record

NAMES = ("mx.example.org",)
CLEAR = Shown(encrypted=False)
ENCRYPTED = Shown(encrypted=True, chain=(issue("somebody").der,))
GOOD = Shown(encrypted=True, chain=chain())
TRUSTED = Shown(encrypted=True, chain=chain(), trusted=True)
OTHER = Shown(encrypted=True, chain=(issue("other", names=("other.example",)).der,), trusted=True)
TLSA = {
    "none": None,
    "usable": TlsaSet(name="mx.example.org", records=(record(host(), 3),)),
    "unusable": TlsaSet(name="mx.example.org", records=(Record(1, 1, 1, b"x" * 32),)),
}
ALL = list(product(TlsPolicy, TLSA, [False, True]))
MANDATORY = (TlsPolicy.REQUIRED, TlsPolicy.VERIFIED, TlsPolicy.DANE)


def wanted(policy: TlsPolicy, tlsa: str = "none", *, enforced: bool = False) -> Demand:
    found = demand(policy, domain="example.org", host="mx.example.org", names=NAMES, tlsa=TLSA[tlsa], enforced=enforced)
    assert isinstance(found, Demand)
    return found


def meets(demanded: Demand, shown: Shown) -> bool:
    return unmet(demanded, shown, now=NOW) is None


@pytest.mark.parametrize(("policy", "tlsa", "enforced"), ALL)
def test_nothing_goes_in_clear_where_anybody_has_said_so(policy: TlsPolicy, tlsa: str, enforced: bool) -> None:
    found = wanted(policy, tlsa, enforced=enforced)
    somebody = policy in MANDATORY or (policy is not TlsPolicy.DISABLED and (tlsa != "none" or enforced))
    assert found.policy.mandatory is somebody
    assert meets(found, CLEAR) is not somebody


@pytest.mark.parametrize(("policy", "tlsa", "enforced"), ALL)
def test_what_is_looked_at(policy: TlsPolicy, tlsa: str, enforced: bool) -> None:
    found = wanted(policy, tlsa, enforced=enforced)
    on = policy is not TlsPolicy.DISABLED
    assert bool(found.records) is (on and tlsa == "usable")
    assert bool(found.names) is (on and (policy is TlsPolicy.VERIFIED or (enforced and tlsa != "usable")))


@pytest.mark.parametrize(("policy", "tlsa", "enforced"), ALL)
def test_what_the_host_must_show(policy: TlsPolicy, tlsa: str, enforced: bool) -> None:
    found = wanted(policy, tlsa, enforced=enforced)
    assert meets(found, ENCRYPTED) is not bool(found.names or found.records)
    assert meets(found, GOOD) is not bool(found.names)
    assert meets(found, OTHER) is not bool(found.names or found.records)
    assert meets(found, TRUSTED)


@pytest.mark.parametrize(("policy", "tlsa", "enforced"), ALL)
def test_without_a_look_at_certificates_tls_is_as_mandatory_as_before(
    policy: TlsPolicy, tlsa: str, enforced: bool
) -> None:
    found = wanted(policy, tlsa, enforced=enforced)
    assert meets(unchecked(found), ENCRYPTED)
    assert unchecked(found).policy is found.policy
    assert meets(unchecked(found), CLEAR) is meets(found, CLEAR)


@pytest.mark.parametrize(("policy", "tlsa", "enforced"), ALL)
def test_a_host_that_must_prove_who_it_is_cannot_get_away_with_encryption(
    policy: TlsPolicy, tlsa: str, enforced: bool
) -> None:
    found = proven(wanted(policy, tlsa, enforced=enforced), NAMES)
    assert meets(found, TRUSTED)
    if policy is not TlsPolicy.DISABLED:
        assert not meets(found, CLEAR)
        assert not meets(found, ENCRYPTED)
        assert not meets(found, OTHER)


def test_dane_outranks_mta_sts() -> None:
    found = wanted(TlsPolicy.OPPORTUNISTIC, "usable", enforced=True)
    assert meets(found, GOOD)
    assert not meets(found, evolve(OTHER, chain=(issue("x", names=NAMES).der,)))


def test_a_record_that_names_an_anchor_asks_for_a_name_of_the_host() -> None:
    tlsa = TlsaSet(name="real.example.net", records=(record(host(), 3),))
    found = demand(TlsPolicy.OPPORTUNISTIC, domain="example.org", host="mx.example.org", names=NAMES, tlsa=tlsa)
    assert found.server_name == "real.example.net"
    assert found.record_names == ("real.example.net", "mx.example.org", "example.org")


@pytest.mark.parametrize("shown", [(), (b"rubbish",)])
def test_a_name_cannot_be_shown_without_a_certificate(shown: tuple[bytes, ...]) -> None:
    assert not meets(wanted(TlsPolicy.VERIFIED), Shown(encrypted=True, chain=shown, trusted=True))


def test_what_is_missing_is_said() -> None:
    verified = wanted(TlsPolicy.VERIFIED)
    assert unmet(verified, CLEAR, now=NOW) == "the connection is not encrypted"
    assert unmet(verified, OTHER, now=NOW) == "the certificate is not for mx.example.org"
