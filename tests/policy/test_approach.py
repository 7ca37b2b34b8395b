"""Which addresses an attempt connects to, from where, and in which order."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from empath.mail import Kind, PermanentFailure, TemporaryFailure
from empath.policy.approach import MAX_ADDRESSES, Approach, Host, IpPreference, targets
from empath.policy.route import Absent, Exchange, OwnHost, Target, Undecided, Unresolved

OWN = OwnHost(names=frozenset({"mx.example.com"}), addresses=frozenset({"198.51.100.25"}))
ANY = Approach(port=25)
UNKNOWN = Undecided("b: SERVFAIL")


def host(name: str, addresses: list[str] | Unresolved, *, preference: int = 10, canonical_name: str = "") -> Host:
    return Host(
        exchange=Exchange(name, preference),
        addresses=addresses,
        canonical_name=canonical_name or name,
        host_secure=False,
    )


def reach(*found: tuple[str, list[str] | Unresolved], approach: Approach = ANY) -> list[str]:
    hosts = [host(name, addresses, preference=rank) for rank, (name, addresses) in enumerate(found)]
    return [f"{target.host} {target.address}" for target in targets("example.org", hosts, approach, own=OWN)]


def test_hosts_keep_their_order_and_families_take_turns() -> None:
    """Defect 5 of the ancestor: it began with the first host at every attempt, and never came to the second."""
    a = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert reach(("a", a), ("b", ["2001:db8::2"])) == [
        "a 192.0.2.1",
        "a 2001:db8::1",
        "a 192.0.2.2",
        "b 2001:db8::2",
    ]


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        (IpPreference.V4, ["192.0.2.1", "192.0.2.2"]),
        (IpPreference.V6, ["2001:db8::1", "2001:db8::2"]),
        (IpPreference.PREFER_V4, ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"]),
        (IpPreference.PREFER_V6, ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"]),
    ],
)
def test_the_preference_says_which_family_is_used_and_which_comes_first(ip: IpPreference, expected: list[str]) -> None:
    found = reach(("a", ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]), approach=evolve(ANY, ip=ip))
    assert found == [f"a {address}" for address in expected]


def test_a_host_without_an_address_that_we_use_is_no_host_and_the_text_says_why() -> None:
    with pytest.raises(PermanentFailure, match="have no IPv6 address") as caught:
        reach(("a", ["192.0.2.1"]), approach=evolve(ANY, ip=IpPreference.V6))
    assert caught.value.diagnosis.kind is Kind.NO_HOST


def test_each_address_is_dialled_from_the_source_of_its_family() -> None:
    approach = evolve(ANY, sources=("2001:db8::25", "192.0.2.25"))
    found = targets("example.org", [host("a", ["192.0.2.1", "2001:db8::1"])], approach, own=OWN)
    assert [target.source for target in found] == ["192.0.2.25", "2001:db8::25"]


def test_a_family_without_a_source_is_not_used() -> None:
    """Else mail would leave from an address that SPF and PTR records do not know."""
    assert reach(("a", ["192.0.2.1", "2001:db8::1"]), approach=evolve(ANY, sources=("192.0.2.25",))) == ["a 192.0.2.1"]


@pytest.mark.parametrize(
    ("approach", "admitted"),
    [
        (ANY, True),
        (evolve(ANY, ip=IpPreference.V4), True),
        (evolve(ANY, ip=IpPreference.PREFER_V6), True),
        (evolve(ANY, ip=IpPreference.V6), False),
        (evolve(ANY, sources=("192.0.2.25",)), False),
        (evolve(ANY, sources=("2001:db8::25",)), False),
    ],
)
def test_a_connection_is_admitted_if_it_could_have_been_made_so(approach: Approach, admitted: bool) -> None:
    assert approach.admits(Target("a", "192.0.2.1", 25)) is admitted


@given(
    st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]), min_size=1, unique=True),
    st.sampled_from(IpPreference),
    st.sampled_from([(), ("192.0.2.25",), ("2001:db8::25",), ("192.0.2.25", "2001:db8::25")]),
)
def test_what_is_chosen_is_always_admitted(addresses: list[str], ip: IpPreference, sources: tuple[str, ...]) -> None:
    approach = evolve(ANY, ip=ip, sources=sources)
    try:
        found = targets("example.org", [host("a", addresses)], approach, own=OWN)
    except PermanentFailure:
        assert not any(approach.admits(Target("a", one, 25, source=approach.source_for(one))) for one in addresses)
    else:
        assert all(approach.admits(target) for target in found)
        assert {target.address for target in found} <= set(addresses)


def test_a_host_with_many_addresses_leaves_room_for_the_others() -> None:
    many = [f"192.0.2.{number}" for number in range(1, 50)]
    found = reach(("a", many), ("b", ["198.51.100.1"]), ("c", many))
    assert len(found) == MAX_ADDRESSES
    assert [line.split()[0] for line in found] == ["a", "a", "a", "a", "b", "c"]
    assert len(reach(("a", many), approach=evolve(ANY, max_addresses=2))) == 2


def test_more_hosts_than_places_are_cut() -> None:
    assert len(reach(*[(str(number), ["192.0.2.1", "192.0.2.2"]) for number in range(20)])) == MAX_ADDRESSES


INSIDE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.1.1", "100.64.0.1"),
    *("224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00::1", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:a00:1::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_dns_cannot_send_us_to_what_only_we_can_reach(address: str) -> None:
    with pytest.raises(PermanentFailure, match=f"no public address, only {address}") as caught:
        reach(("a", [address]))
    assert caught.value.diagnosis.kind is Kind.NO_HOST
    assert reach(("a", [address, "198.51.100.1"])) == ["a 198.51.100.1"]
    assert reach(("a", [address]), approach=evolve(ANY, allow_private=True)) == [f"a {address}"]


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:198.51.100.1", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_all_others_may_be_tried(address: str) -> None:
    assert reach(("a", [address])) == [f"a {address}"]


def test_as_long_as_one_host_may_still_turn_up_it_is_not_over() -> None:
    with pytest.raises(TemporaryFailure, match="SERVFAIL"):
        reach(("a", Absent.NO_SUCH_DOMAIN), ("b", UNKNOWN))
    with pytest.raises(TemporaryFailure):
        reach(("a", ["127.0.0.1"]), ("b", UNKNOWN))
    with pytest.raises(PermanentFailure, match="no mail host"):
        reach(("a", Absent.NO_SUCH_DOMAIN), ("b", Absent.NO_DATA))
    assert reach(("a", UNKNOWN), ("b", ["192.0.2.1"])) == ["b 192.0.2.1"]


@pytest.mark.parametrize(
    "ourselves",
    [
        host("alias", ["192.0.2.9"], preference=20, canonical_name="mx.example.com"),
        host("other", ["192.0.2.9", "198.51.100.25"], preference=20),
    ],
    ids=["by the name behind an alias", "by address"],
)
def test_a_host_that_turns_out_to_be_this_one_goes_with_all_that_are_no_better(ourselves: Host) -> None:
    """RFC 5321 5.1: they would send the mail back to us."""
    better, equal, worse = (
        host(name, ["192.0.2.1"], preference=rank) for name, rank in (("a", 10), ("b", 20), ("c", 30))
    )
    found = targets("example.org", [better, equal, ourselves, worse], ANY, own=OWN)
    assert [target.host for target in found] == ["a"]
    with pytest.raises(PermanentFailure) as caught:
        targets("example.org", [equal, ourselves, worse], ANY, own=OWN)
    assert str(caught.value.diagnosis.status) == "5.4.6"


def test_a_target_says_what_to_connect_to_what_it_is_called_and_how_sure_that_is() -> None:
    found = Host(
        exchange=Exchange("a"),
        addresses=["192.0.2.1"],
        canonical_name="b",
        host_secure=True,
        address_secure=True,
    )
    chosen = targets("example.org", [found], evolve(ANY, port=2525), own=OWN)
    assert chosen == (Target("a", "192.0.2.1", 2525, canonical_name="b", host_secure=True, address_secure=True),)
    assert Target("a", "192.0.2.1", 25).canonical_name == "a"
