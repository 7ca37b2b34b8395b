"""Which TLS policy a domain has, by configuration."""

import pytest
from attrs import evolve

from empath.config.schema import DeliverySettings, DomainSettings, TlsOverrideSettings, TlsSettings
from empath.delivery.finding.demands import DomainTls
from empath.delivery.finding.tls_choice import TlsChoice, unchecked_domains
from empath.policy.encryption.tls import TlsPolicy
from empath.smtp import Domain

A, B = Domain.parse("a.example"), Domain.parse("b.example")


def choice(
    own: DomainSettings | None = None, tls: TlsSettings | None = None, *, accept_invalid_certs: bool = False
) -> DomainTls:
    settings = DeliverySettings(
        domains={} if own is None else {A: own}, accept_invalid_certs=accept_invalid_certs, tls=tls or TlsSettings()
    )
    return TlsChoice(settings).of("a.example")


def override(policy: TlsPolicy, *domains: Domain) -> TlsSettings:
    return TlsSettings(domain_overrides=(TlsOverrideSettings(domains=domains, policy=policy),))


def test_the_default_is_for_all_that_nothing_is_said_of() -> None:
    assert choice() == DomainTls(policy=TlsPolicy.OPPORTUNISTIC)
    assert choice(tls=TlsSettings(default_policy=TlsPolicy.DANE)) == DomainTls(policy=TlsPolicy.DANE)
    assert TlsChoice(DeliverySettings()).of("[192.0.2.1]") == DomainTls(policy=TlsPolicy.OPPORTUNISTIC)


def test_an_override_names_its_domains_and_no_others() -> None:
    assert choice(tls=override(TlsPolicy.VERIFIED, B, A)).policy is TlsPolicy.VERIFIED
    assert choice(tls=override(TlsPolicy.VERIFIED, B)).policy is TlsPolicy.OPPORTUNISTIC


def test_the_policy_of_a_domain_goes_before_all_others() -> None:
    overrides = override(TlsPolicy.VERIFIED, A)
    own = DomainSettings(tls_policy=TlsPolicy.DISABLED)
    assert choice(own, evolve(overrides, default_policy=TlsPolicy.DANE)).policy is TlsPolicy.DISABLED


@pytest.mark.parametrize("policy", TlsPolicy)
def test_require_tls_adds_and_takes_nothing_away(policy: TlsPolicy) -> None:
    found = choice(DomainSettings(require_tls=True), TlsSettings(default_policy=policy)).policy
    assert found is (policy if policy.mandatory else TlsPolicy.REQUIRED)
    assert choice(DomainSettings(require_tls=True), override(policy, A)).policy is found


@pytest.mark.parametrize(
    ("everywhere", "own", "found"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
def test_what_a_domain_says_of_certificates_goes_before_what_is_said_of_all(
    everywhere: bool, own: bool | None, found: bool
) -> None:
    settings = DomainSettings(accept_invalid_certs=own)
    assert choice(settings, accept_invalid_certs=everywhere).accept_invalid_certs is found


@pytest.mark.parametrize(
    ("everywhere", "a", "b", "phrases"),
    [
        (False, None, False, []),
        (False, True, True, ["a.example", "b.example"]),
        (True, None, True, ["all domains"]),
        (True, False, None, ["all domains but a.example"]),
    ],
)
def test_it_can_be_said_for_whom_certificates_are_not_looked_at(
    everywhere: bool, a: bool | None, b: bool | None, phrases: list[str]
) -> None:
    domains = {A: DomainSettings(accept_invalid_certs=a), B: DomainSettings(accept_invalid_certs=b)}
    assert list(unchecked_domains(DeliverySettings(accept_invalid_certs=everywhere, domains=domains))) == phrases
