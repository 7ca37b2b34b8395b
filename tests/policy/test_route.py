"""Where to send the mail of a domain."""

from collections import Counter
from random import Random

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from empath.mail import Kind, PermanentFailure, TemporaryFailure
from empath.policy.route import (
    MAX_ADDRESSES,
    MAX_HOSTS,
    NextHop,
    Routes,
    Target,
    Unresolved,
    literal_address,
    mx_hosts,
    targets,
)
from empath.smtp import AddressLiteral, Domain

OWN = {"mx.example.com", "mx.example.net"}


@frozen
class Record:
    preference: int
    host: str


def hosts(*records: tuple[int, str], domain: str = "example.org", seed: int = 0) -> tuple[str, ...]:
    answer = [Record(preference, host) for preference, host in records]
    return mx_hosts(domain, answer, own_names=OWN, draw=Random(seed).random)


def test_the_lowest_preference_comes_first() -> None:
    assert hosts((30, "c"), (10, "a"), (20, "b")) == ("a", "b", "c")


def test_equals_come_in_an_order_drawn_by_chance() -> None:
    seen = Counter(hosts((10, "a"), (10, "b"), (10, "c"), (20, "d"), seed=seed) for seed in range(600))
    assert len(seen) == 6
    assert min(seen.values()) > 60
    assert {order[3] for order in seen} == {"d"}


def test_a_domain_without_mx_records_is_its_own_host() -> None:
    assert mx_hosts("example.org", Unresolved.NO_DATA, own_names=OWN, draw=Random(0).random) == ("example.org",)


@pytest.mark.parametrize(
    ("answer", "error", "kind"),
    [
        (Unresolved.NO_SUCH_DOMAIN, PermanentFailure, Kind.NO_SUCH_DOMAIN),
        (Unresolved.UNKNOWN, TemporaryFailure, Kind.DNS),
        ([Record(0, ".")], PermanentFailure, Kind.NULL_MX),
        ([Record(10, "mx.example.com")], PermanentFailure, Kind.LOOP),
    ],
)
def test_nothing_else_is_a_reason_to_try_the_domain_itself(
    answer: Unresolved | list[Record], error: type[Exception], kind: Kind
) -> None:
    with pytest.raises(error) as caught:
        mx_hosts("example.org", answer, own_names=OWN, draw=Random(0).random)
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
        mx_hosts("mx.example.com", Unresolved.NO_DATA, own_names=OWN, draw=Random(0).random)


def test_a_host_that_is_named_twice_is_tried_once_and_at_its_best() -> None:
    assert hosts((30, "a"), (20, "b"), (10, "A")) == ("a", "b")


@given(st.lists(st.tuples(st.integers(0, 65535), st.sampled_from("abcdefghijklmnop")), min_size=1), st.integers())
def test_however_many_there_are_the_best_few_are_tried(records: list[tuple[int, str]], seed: int) -> None:
    found = hosts(*records, seed=seed)
    best = {host: min(p for p, h in records if h == host) for _, host in records}
    assert [best[host] for host in found] == sorted(best.values())[:MAX_HOSTS]
    assert len(set(found)) == len(found)


def reach(*found: tuple[str, list[str] | Unresolved], allow_private: bool = False) -> list[str]:
    chosen = targets("example.org", found, port=25, allow_private=allow_private)
    return [f"{target.host} {target.address}" for target in chosen]


def test_hosts_keep_their_order_and_families_take_turns() -> None:
    """Defect 5 of the ancestor: it began with the first host at every attempt, and never came to the second."""
    a = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert reach(("a", a), ("b", ["2001:db8::2"])) == [
        "a 192.0.2.1",
        "a 2001:db8::1",
        "a 192.0.2.2",
        "b 2001:db8::2",
    ]
    assert reach(("a", ["2001:db8::1", "192.0.2.1"])) == ["a 2001:db8::1", "a 192.0.2.1"]


def test_a_host_with_many_addresses_leaves_room_for_the_others() -> None:
    many = [f"192.0.2.{number}" for number in range(1, 50)]
    found = reach(("a", many), ("b", ["198.51.100.1"]), ("c", many))
    assert len(found) == MAX_ADDRESSES
    assert [line.split()[0] for line in found] == ["a", "a", "a", "a", "b", "c"]


def test_more_hosts_than_places_are_cut() -> None:
    assert len(reach(*[(str(number), ["192.0.2.1", "192.0.2.2"]) for number in range(20)])) == MAX_ADDRESSES


INSIDE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.1.1", "100.64.0.1"),
    *("224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00::1", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_dns_cannot_send_us_to_what_only_we_can_reach(address: str) -> None:
    with pytest.raises(PermanentFailure) as caught:
        reach(("a", [address]))
    assert caught.value.diagnosis.kind is Kind.NO_HOST
    assert reach(("a", [address, "198.51.100.1"])) == ["a 198.51.100.1"]
    assert reach(("a", [address]), allow_private=True) == [f"a {address}"]


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:198.51.100.1"])
def test_all_others_may_be_tried(address: str) -> None:
    assert reach(("a", [address])) == [f"a {address}"]


def test_as_long_as_one_host_may_still_turn_up_it_is_not_over() -> None:
    with pytest.raises(TemporaryFailure):
        reach(("a", Unresolved.NO_SUCH_DOMAIN), ("b", Unresolved.UNKNOWN))
    with pytest.raises(PermanentFailure):
        reach(("a", Unresolved.NO_SUCH_DOMAIN), ("b", Unresolved.NO_DATA))
    assert reach(("a", Unresolved.UNKNOWN), ("b", ["192.0.2.1"])) == ["b 192.0.2.1"]


def test_a_target_says_what_to_connect_to_and_what_it_is_called() -> None:
    chosen = targets("example.org", [("a", ["192.0.2.1"])], port=2525, allow_private=False)
    assert chosen == (Target("a", "192.0.2.1", 2525),)


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
