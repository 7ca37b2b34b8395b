"""Where to send the mail of a domain."""

from collections import Counter
from random import Random

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from empath.mail import Kind, PermanentFailure, TemporaryFailure
from empath.policy.route import (
    MAX_HOSTS,
    Absent,
    Exchange,
    NextHop,
    OwnHost,
    Routes,
    Undecided,
    Unresolved,
    literal_address,
    mx_hosts,
)
from empath.smtp import AddressLiteral, Domain

OWN = OwnHost(names=frozenset({"mx.example.com", "mx.example.net"}))


@frozen
class Record:
    preference: int
    host: str


def hosts(*records: tuple[int, str], domain: str = "example.org", seed: int = 0) -> tuple[str, ...]:
    answer = [Record(preference, host) for preference, host in records]
    return tuple(exchange.host for exchange in mx_hosts(domain, answer, own=OWN, draw=Random(seed).random))


def test_the_lowest_preference_comes_first() -> None:
    assert hosts((30, "c"), (10, "a"), (20, "b")) == ("a", "b", "c")


def test_equals_come_in_an_order_drawn_by_chance() -> None:
    seen = Counter(hosts((10, "a"), (10, "b"), (10, "c"), (20, "d"), seed=seed) for seed in range(600))
    assert len(seen) == 6
    assert min(seen.values()) > 60
    assert {order[3] for order in seen} == {"d"}


def test_a_domain_without_mx_records_is_its_own_host() -> None:
    assert mx_hosts("example.org", Absent.NO_DATA, own=OWN, draw=Random(0).random) == (Exchange("example.org"),)


@pytest.mark.parametrize(
    ("answer", "error", "kind"),
    [
        (Absent.NO_SUCH_DOMAIN, PermanentFailure, Kind.NO_SUCH_DOMAIN),
        (Undecided("example.org: SERVFAIL"), TemporaryFailure, Kind.DNS),
        (Undecided("example.org: no proof", Kind.DNS_INSECURE), TemporaryFailure, Kind.DNS_INSECURE),
        ([Record(0, ".")], PermanentFailure, Kind.NULL_MX),
        ([Record(10, "mx.example.com")], PermanentFailure, Kind.LOOP),
    ],
)
def test_nothing_else_is_a_reason_to_try_the_domain_itself(
    answer: Unresolved | list[Record], error: type[Exception], kind: Kind
) -> None:
    with pytest.raises(error) as caught:
        mx_hosts("example.org", answer, own=OWN, draw=Random(0).random)
    assert isinstance(caught.value, PermanentFailure | TemporaryFailure)
    assert caught.value.diagnosis.kind is kind


def test_a_null_mx_is_reported_with_its_own_status() -> None:
    """Defect 11 of the ancestor: it took the root for a host."""
    with pytest.raises(PermanentFailure) as caught:
        hosts((0, "."))
    assert str(caught.value.diagnosis.status) == "5.1.10"


def test_a_null_mx_among_others_counts_for_nothing() -> None:
    assert hosts((0, "."), (10, "a")) == ("a",)


def test_our_own_name_drops_all_that_are_no_better() -> None:
    assert hosts((10, "a"), (20, "mx.example.com"), (20, "b"), (30, "c")) == ("a",)
    assert hosts((10, "a"), (30, "MX.example.net"), (20, "mx.example.com"), (25, "b")) == ("a",)


def test_a_domain_that_is_our_own_name_is_a_loop() -> None:
    with pytest.raises(PermanentFailure, match="this host"):
        mx_hosts("mx.example.com", Absent.NO_DATA, own=OWN, draw=Random(0).random)


def test_a_host_that_is_named_twice_is_tried_once_and_at_its_best() -> None:
    assert hosts((30, "a"), (20, "b"), (10, "A")) == ("a", "b")


@given(st.lists(st.tuples(st.integers(0, 65535), st.sampled_from("abcdefghijklmnop")), min_size=1), st.integers())
def test_however_many_there_are_the_best_few_are_tried(records: list[tuple[int, str]], seed: int) -> None:
    found = hosts(*records, seed=seed)
    best = {host: min(p for p, h in records if h == host) for _, host in records}
    assert [best[host] for host in found] == sorted(best.values())[:MAX_HOSTS]
    assert len(set(found)) == len(found)


def test_configuration_comes_before_dns_and_the_domain_before_all_others() -> None:
    smart, own = NextHop("relay.example.net", 25), NextHop("192.0.2.9", 2525)
    routes = Routes(smart_host=smart, overrides={"example.org": own})
    assert routes.next_hop(Domain.parse("EXAMPLE.org")) is own
    assert routes.next_hop(Domain.parse("sub.example.org")) is smart
    assert routes.next_hop(AddressLiteral.parse("[192.0.2.1]")) is smart
    assert Routes().next_hop(Domain.parse("example.org")) is None


def test_a_literal_is_its_own_address() -> None:
    assert literal_address(AddressLiteral.parse("[192.0.2.1]")) == "192.0.2.1"
    assert literal_address(AddressLiteral.parse("[IPv6:2001:db8::1]")) == "2001:db8::1"
    with pytest.raises(PermanentFailure):
        literal_address(AddressLiteral.parse("[x400:c=de]"))
