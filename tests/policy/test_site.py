"""Sites and shards."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.route import NextHop
from empath.policy.site import shard_of, site_of
from empath.smtp import AddressLiteral, Domain


def test_mail_that_dns_routes_has_its_domain_as_site() -> None:
    assert site_of(Domain.parse("Bücher.Example"), None) == "xn--bcher-kva.example"
    assert site_of(AddressLiteral.parse("[IPv6:2001:DB8::1]"), None) == "[IPv6:2001:db8::1]"


def test_mail_that_configuration_routes_has_the_next_hop_as_site() -> None:
    assert site_of(Domain.parse("example.org"), NextHop("relay.example.net", 587)) == "relay.example.net:587"
    assert site_of(Domain.parse("example.org"), NextHop("2001:db8::1", 25)) == "[2001:db8::1]:25"


def test_domains_that_configuration_rolls_up_have_the_name_of_their_site() -> None:
    assert site_of(Domain.parse("gmail.com"), None, "google") == "google"
    assert site_of(Domain.parse("gmail.com"), NextHop("relay.example.net", 25), "google") == "relay.example.net:25"


@pytest.mark.parametrize(("site", "shard"), [("example.org", 5), ("example.net", 0), ("relay.example.net:25", 15)])
def test_a_shard_never_changes(site: str, shard: int) -> None:
    # Rows on disk and other nodes count on these numbers. They may not change with a release.
    assert shard_of(site, 16) == shard


@given(st.text(), st.integers(1, 1000))
def test_every_site_has_a_shard(site: str, shards: int) -> None:
    assert 0 <= shard_of(site, shards) < shards


def test_sites_spread_over_the_shards() -> None:
    count = Counter(shard_of(f"site-{number}.example", 8) for number in range(8000))
    assert min(count.values()) > 900
