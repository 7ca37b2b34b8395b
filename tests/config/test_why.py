"""Which of all that was said about a key counts."""

from pathlib import Path

import pytest

from empath.config.lines import split_key
from empath.config.why import NoSuchKey, Said, why, why_for_domain
from empath.smtp import Domain
from tests.config.sources import load_text

LIVE = 'mode = "live"\nhostname = "mx.example.org"\n'
SITES = """[delivery]
max_connections_per_host = 7
rate_limits = { default = 100, per_site = 50 }
tls.domain_overrides = [{ domains = ["b.example"], policy = "verified" }]
[delivery.sites.big]
domains = ["a.example"]
max_connections = 3
[delivery.domains."A.example"]
max_connections = 10
rate_limit = 20
"""


def said(path: Path, key: str, domain: str | None = None, environ: dict[str, str] | None = None) -> tuple[Said, ...]:
    found = load_text(path, LIVE + SITES, environ or {})
    return why(found, split_key(key)) if domain is None else why_for_domain(found, key, Domain.parse(domain))


def short(all_said: tuple[Said, ...]) -> list[tuple[str, str, int | None, bool]]:
    return [(one.place, one.value, one.origin.line, one.counts) for one in all_said]


def test_a_key_that_nobody_set_has_its_default(tmp_path: Path) -> None:
    [one] = said(tmp_path, "delivery.max_attempts")
    assert (one.value, str(one.origin), one.counts) == ("25", "default", True)


def test_every_source_is_named_the_one_that_counts_first(tmp_path: Path) -> None:
    environ = {"EMPATH_DELIVERY__MAX_CONNECTIONS_PER_HOST": "9"}
    found = said(tmp_path, "delivery.max_connections_per_host", environ=environ)
    assert [one.value for one in found] == ["9", "7", "20"]
    assert [str(one.origin).rpartition("/")[2] for one in found] == [
        f"${next(iter(environ))}",
        "empath.toml:4",
        "default",
    ]
    assert [one.counts for one in found] == [True, False, False]


def test_a_second_name_means_the_key(tmp_path: Path) -> None:
    assert said(tmp_path, "delivery.connection_pool.max_per_server")[0].value == "7"


def test_for_a_domain_its_site_goes_first(tmp_path: Path) -> None:
    assert short(said(tmp_path, "max_connections", "a.EXAMPLE")) == [
        ("delivery.sites.big.max_connections", "3", 9, True),
        ('delivery.domains."A.example".max_connections', "10", 11, False),
        ("delivery.max_connections_per_host", "7", 4, False),
        ("delivery.max_connections_per_host", "20", None, False),
    ]


def test_a_domain_of_no_site_has_what_holds_for_all(tmp_path: Path) -> None:
    assert short(said(tmp_path, "max_connections", "c.example"))[0] == (
        "delivery.max_connections_per_host",
        "7",
        4,
        True,
    )
    assert short(said(tmp_path, "tls_policy", "b.example"))[0][1:] == ('"verified"', 6, True)


def test_the_rate_of_a_site_and_that_of_a_domain_hold_both(tmp_path: Path) -> None:
    assert short(said(tmp_path, "rate_limit", "a.example")) == [
        ("delivery.rate_limits.per_site", '"50/min"', 5, True),
        ('delivery.domains."A.example".rate_limit', '"20/min"', 12, True),
        ("delivery.rate_limits.default", '"100/min"', 5, False),
    ]


def test_what_nobody_said_is_not_set(tmp_path: Path) -> None:
    [one] = said(tmp_path, "priority", "c.example")
    assert (one.value, one.counts) == ("not set", True)


@pytest.mark.parametrize(("key", "domain"), [("nonsense", None), ("delivery", None), ("nonsense", "a.example")])
def test_what_is_no_key_is_said_to_be_none(tmp_path: Path, key: str, domain: str | None) -> None:
    with pytest.raises(NoSuchKey):
        said(tmp_path, key, domain)
