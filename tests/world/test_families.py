"""Two address families, one finding."""

import pytest

from empath.world import Answer, DnsError, DnsTemporary, NoData, NoSuchDomain, Security
from empath.world.families import both_families

V4 = Answer(("192.0.2.1",), "host.example", ttl_s=100.0, security=Security.SECURE)
V6 = Answer(("2001:db8::1",), "host.example", ttl_s=50.0, security=Security.SECURE)
EMPTY = NoData("host.example", "has no AAAA record", ttl_s=20.0, security=Security.SECURE)
MISSING = NoSuchDomain("host.example", "no such domain", ttl_s=20.0, security=Security.SECURE)
FAILED = DnsTemporary("host.example", "SERVFAIL")


def test_both_together_have_all_addresses_and_the_shorter_life() -> None:
    answer = both_families("host.example", V4, V6)
    assert answer.records == ("192.0.2.1", "2001:db8::1")
    assert (answer.ttl_s, answer.security) == (50.0, Security.SECURE)


def test_the_weaker_security_counts() -> None:
    insecure = Answer(V6.records, V6.canonical_name, ttl_s=50.0, security=Security.INSECURE)
    assert both_families("host.example", V4, insecure).security is Security.INSECURE


def test_one_family_is_enough() -> None:
    answer = both_families("host.example", V4, EMPTY)
    assert (answer.records, answer.ttl_s, answer.security) == (V4.records, 20.0, Security.SECURE)


@pytest.mark.parametrize(("v4", "v6"), [(V4, FAILED), (FAILED, V6)])
def test_half_an_answer_is_used_and_not_kept_and_no_less_authentic(v4: Answer[str], v6: Answer[str]) -> None:
    answer = both_families("host.example", v4, v6)
    assert len(answer.records) == 1
    assert (answer.ttl_s, answer.security) == (0.0, Security.SECURE)


@pytest.mark.parametrize(
    ("v4", "v6", "kind", "reason"),
    [
        (EMPTY, EMPTY, NoData, "has no address"),
        (MISSING, EMPTY, NoSuchDomain, "no such domain"),
        (EMPTY, FAILED, DnsTemporary, "SERVFAIL"),
        (FAILED, MISSING, DnsTemporary, "SERVFAIL"),
    ],
)
def test_a_host_is_without_address_only_if_both_answers_say_so(
    v4: DnsError, v6: DnsError, kind: type[DnsError], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        both_families("host.example", v4, v6)
