"""Who may relay."""

import ipaddress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.access import AccessList, Pattern
from empath.policy.reception.aliases import Aliases, AliasName
from empath.policy.reception.relay import RECIPIENT_REFUSED, REFUSAL, SENDER_REFUSED, RelayPolicy, RelayRight
from empath.smtp import Address, AddressError, Domain
from empath.smtp.address import parse_path

POLICY = RelayPolicy(
    networks=(ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")),
    domains=frozenset({"example.org", "xn--bcher-kva.example"}),
)

ANN, BOB, FAR = (Address.parse(text) for text in ("ann@example.org", "bob@example.org", "x@far.example"))
BARE = Address(b"Postmaster", None)


def patterns(*texts: str) -> tuple[Pattern, ...]:
    return tuple(map(Pattern.parse, texts))


def table(**entries: str) -> Aliases:
    named = {AliasName.parse(name.replace("__", "@").replace("_", ".")): goal for name, goal in entries.items()}
    return Aliases(
        entries={name: tuple(map(Address.parse, goal.split())) for name, goal in named.items()},
        domains=frozenset({"example.org", "example.com", "mx.example.org"}),
    )


FULL = RelayPolicy(
    networks=(ipaddress.ip_network("192.0.2.0/24"),),
    domains=("example.org", "example.com"),
    hostname=Domain.parse("mx.example.org"),
    senders=AccessList(deny=patterns("@bad.example", "bob@example.org")),
    recipients=AccessList(deny=patterns("bob@example.org", "@denied.example")),
    aliases=table(sales__example_org="ann@example.org x@far.example", abuse="ann@example.org"),
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
        "victim%example.net@example.org",
        "victim%example.net%example.org@example.org",
        "example.net!victim@example.org",
        "a!b!victim@example.org",
        '"victim@example.net"@example.org',
        r'"victim\@example.net"@example.org',
        '"victim%example.net"@example.org',
        "a@sub.example.org",
        "a@notexample.org",
        "a@example.org.evil.example",
        "a@example.orgx",
        "a@examp1e.org",
        "a@еxample.org",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "a@[IPv6:::ffff:192.0.2.1]",
    ],
)
def test_strangers_reach_nothing_else(recipient: str) -> None:
    assert POLICY.refusal(Address.parse(recipient), sender=None, trusted=False) is REFUSAL


@pytest.mark.parametrize(
    ("path", "goal"),
    [
        (b"<@example.org:victim@example.net>", "victim@example.net"),
        (b"<@example.org,@mx.example.org:victim@example.net>", "victim@example.net"),
    ],
)
def test_a_source_route_over_us_is_dropped_and_its_end_is_judged(path: bytes, goal: str) -> None:
    address, _ = parse_path(path, utf8=True)
    assert str(address) == goal
    assert address is not None
    assert POLICY.right(address, trusted=False) is None


@pytest.mark.parametrize(
    "path", [b"<a@example.org.>", b"<a@example.net@example.org>", b"<a@@example.org>", b"<@example.org>"]
)
def test_a_trailing_dot_and_a_double_at_are_no_addresses(path: bytes) -> None:
    with pytest.raises(AddressError):
        parse_path(path, utf8=True)


@pytest.mark.parametrize("sender", ["ann@example.org", "postmaster@example.org", "root@mx.example.org"])
def test_a_stranger_gains_nothing_by_using_a_sender_of_ours(sender: str) -> None:
    assert FULL.refusal(Address.parse("a@far.example"), sender=Address.parse(sender), trusted=False) is REFUSAL


@pytest.mark.parametrize("recipient", ["a@example.net", "a@[192.0.2.1]", "x%y@example.org", '"a@b"@example.net'])
def test_a_trusted_client_reaches_everybody(recipient: str) -> None:
    assert POLICY.right(Address.parse(recipient), trusted=True) is RelayRight.KNOWN


@given(st.ip_addresses().map(str), st.sampled_from(["a@example.org", "a@example.net", "a@localhost"]))
def test_an_empty_policy_relays_nothing(client: str, recipient: str) -> None:
    """Defect 11 of the ancestor: it accepted any recipient from anybody."""
    empty = RelayPolicy()
    assert empty.right(Address.parse(recipient), trusted=empty.trusts(client)) is None


@pytest.mark.parametrize("networks", ["0.0.0.0/0", "::/0", "0.0.0.0/1 128.0.0.0/1", "2000::/4 3000::/4"])
def test_a_policy_that_trusts_everybody_is_refused(networks: str) -> None:
    with pytest.raises(ValueError, match="open relay"):
        RelayPolicy(networks=tuple(map(ipaddress.ip_network, networks.split())))


def test_the_refusal_is_permanent_and_says_no_more_than_it_must() -> None:
    assert REFUSAL.encode() == b"550 5.7.1 Relaying to this address is not permitted\r\n"


def test_who_has_logged_in_is_trusted_wherever_he_is() -> None:
    assert POLICY.trusts("203.0.113.1", login="ann")
    assert POLICY.trusts(None, login="ann")
    assert not POLICY.trusts("203.0.113.1", login=None)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_sender_on_the_deny_list_is_refused_whoever_the_client_is(trusted: bool) -> None:
    sender = Address.parse("x@bad.example")
    assert FULL.refusal(ANN, sender=sender, trusted=trusted) is SENDER_REFUSED
    assert FULL.refusal(ANN, sender=FAR, trusted=trusted) is None


@pytest.mark.parametrize("trusted", [True, False])
def test_a_recipient_on_the_deny_list_is_refused_whoever_the_client_is(trusted: bool) -> None:
    assert FULL.refusal(BOB, sender=FAR, trusted=trusted) is RECIPIENT_REFUSED


def test_an_allow_list_does_not_let_a_stranger_relay() -> None:
    everybody = AccessList(allow=patterns("*"))
    policy = RelayPolicy(domains=("example.org",), senders=everybody, recipients=everybody)
    assert policy.refusal(FAR, sender=ANN, trusted=False) is REFUSAL


def test_reports_are_taken_whatever_the_lists_of_senders_say() -> None:
    policy = RelayPolicy(
        domains=("example.org",), senders=AccessList(allow=patterns("a@b.example"), deny=patterns("*"))
    )
    assert policy.refusal(ANN, sender=None, trusted=False) is None


POSTMASTERS = [
    BARE,
    *(
        Address.parse(text)
        for text in ("postmaster@example.org", "POSTMASTER@Example.Com", '"postmaster"@mx.example.org')
    ),
]


@pytest.mark.parametrize("postmaster", POSTMASTERS, ids=str)
@pytest.mark.parametrize("trusted", [True, False])
def test_the_postmaster_is_reached_from_everywhere_whatever_the_lists_say(postmaster: Address, trusted: bool) -> None:
    nobody = AccessList(deny=patterns("*", "postmaster@example.org", ".example.org"))
    policy = evolve(FULL, senders=nobody, recipients=nobody)
    for sender in (None, FAR, Address.parse("x@bad.example")):
        assert policy.refusal(postmaster, sender=sender, trusted=trusted) is None


@pytest.mark.parametrize(
    "other",
    ["postmaster@far.example", "postmaster@sub.example.org", "postmaster@[192.0.2.1]", "postmasters@mx.example.org"],
)
def test_somebody_elses_postmaster_is_a_recipient_like_others(other: str) -> None:
    assert FULL.refusal(Address.parse(other), sender=None, trusted=False) is REFUSAL


def destinations(policy: RelayPolicy, recipient: Address) -> list[str]:
    return [str(one) for one in policy.destinations(recipient)]


def test_mail_to_every_postmaster_goes_where_configuration_says() -> None:
    policy = evolve(FULL, postmaster=(ANN, FAR))
    for postmaster in POSTMASTERS:
        assert destinations(policy, postmaster) == ["ann@example.org", "x@far.example"]


def test_an_alias_for_a_postmaster_comes_before_that() -> None:
    policy = evolve(FULL, postmaster=(ANN,), aliases=table(postmaster__example_org="x@far.example"))
    assert destinations(policy, POSTMASTERS[1]) == ["x@far.example"]
    assert destinations(policy, BARE) == ["ann@example.org"]


def test_a_catch_all_takes_the_postmaster_only_if_nobody_is_named_for_it() -> None:
    catch_all = table(__example_org="x@far.example")
    assert destinations(evolve(FULL, aliases=catch_all), POSTMASTERS[1]) == ["x@far.example"]
    assert destinations(evolve(FULL, aliases=catch_all, postmaster=(ANN,)), POSTMASTERS[1]) == ["ann@example.org"]


def test_by_default_a_domain_has_its_own_postmaster_and_this_host_that_of_the_first_domain() -> None:
    assert destinations(FULL, Address.parse("Postmaster@Example.com")) == ["Postmaster@Example.com"]
    assert destinations(FULL, BARE) == ["Postmaster@example.org"]
    assert destinations(FULL, Address.parse("postmaster@mx.example.org")) == ["postmaster@example.org"]
    assert destinations(RelayPolicy(hostname=Domain.parse("mx.example.org")), BARE) == ["Postmaster@mx.example.org"]


def test_an_alias_is_reached_by_strangers_at_our_domains_and_at_this_host() -> None:
    assert FULL.refusal(Address.parse("sales@example.org"), sender=FAR, trusted=False) is None
    assert FULL.refusal(Address.parse("abuse@mx.example.org"), sender=FAR, trusted=False) is None
    assert FULL.refusal(Address.parse("ann@mx.example.org"), sender=FAR, trusted=False) is REFUSAL
    assert destinations(FULL, Address.parse("Sales@example.org")) == ["ann@example.org", "x@far.example"]


def test_an_alias_elsewhere_opens_nothing() -> None:
    policy = RelayPolicy(domains=("example.org",), aliases=table(x__far_example="y@far.example"))
    assert policy.refusal(FAR, sender=None, trusted=False) is REFUSAL


def test_a_catch_all_does_not_reach_around_the_rules_for_strangers() -> None:
    policy = evolve(FULL, aliases=table(__example_org="ann@example.org"))
    assert destinations(policy, Address.parse("whoever@example.org")) == ["ann@example.org"]
    assert policy.refusal(Address.parse("x%far.example@example.org"), sender=None, trusted=False) is REFUSAL
