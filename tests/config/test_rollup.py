"""What holds for the domains of a site."""

from pathlib import Path

import pytest

from empath.config.rollup import rolled_up, site_names
from empath.config.schema import Config, DomainSettings, Priority, Rate
from empath.config.units import Period
from empath.policy.encryption.tls import TlsPolicy
from empath.smtp import Domain
from tests.config.sources import load_text

LIVE = 'mode = "live"\nhostname = "mx.example.org"\n'
SITE = '[delivery.sites.big]\ndomains = ["a.example", "B.example"]\n'


def config(path: Path, text: str) -> Config:
    return rolled_up(load_text(path, LIVE + text).config)


def own(config: Config, name: str) -> DomainSettings:
    return config.delivery.domains[Domain.parse(name)]


def test_without_sites_nothing_changes(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, LIVE).config
    assert rolled_up(loaded) is loaded
    assert site_names(loaded.delivery) == {}


def test_the_domains_of_a_site_and_the_one_called_like_it_belong_to_it(tmp_path: Path) -> None:
    names = site_names(config(tmp_path, SITE).delivery)
    assert names == {"big": "big", "a.example": "big", "b.example": "big"}


def test_the_site_goes_before_the_domain_and_that_before_what_holds_for_all(tmp_path: Path) -> None:
    both = '[delivery.domains."a.example"]\nip = "v6"\npriority = "low"\nrate_limit = 5\nmx_override = "mx.c.example"\n'
    found = config(tmp_path, f'{SITE}ip = "v4"\nsource = ["192.0.2.9"]\naccept_invalid_certs = false\n{both}')
    one, other = own(found, "a.example"), own(found, "b.example")
    assert one.ip is other.ip
    assert one.ip is not None
    assert one.ip.value == "v4"
    assert one.source == other.source == ("192.0.2.9",)
    assert one.accept_invalid_certs is other.accept_invalid_certs is False
    assert (one.priority, other.priority) == (Priority.LOW, None)
    assert (one.rate_limit, other.rate_limit) == (Rate(5, Period.MINUTE), None)
    assert str(one.mx_override) == "mx.c.example"
    assert other.mx_override is None


@pytest.mark.parametrize(
    ("site", "domain", "policy", "requires"),
    [
        ("", "", None, False),
        ("require_tls = true", "", None, True),
        ("", "require_tls = true", None, True),
        ('tls_policy = "verified"', 'tls_policy = "disabled"', TlsPolicy.VERIFIED, False),
        ("require_tls = true", 'tls_policy = "disabled"', None, True),
        ("require_tls = true", 'tls_policy = "dane"', TlsPolicy.DANE, True),
    ],
)
def test_no_domain_can_lower_the_encryption_of_its_site(
    tmp_path: Path, site: str, domain: str, policy: TlsPolicy | None, requires: bool
) -> None:
    found = own(config(tmp_path, f'{SITE}{site}\n[delivery.domains."a.example"]\n{domain}\n'), "a.example")
    assert (found.tls_policy, found.require_tls) == (policy, requires)


def test_rolling_up_twice_is_the_same_as_once(tmp_path: Path) -> None:
    once = config(tmp_path, f'{SITE}ip = "v4"\n[delivery.domains."a.example"]\nip = "v6"\n')
    assert rolled_up(once) == once
