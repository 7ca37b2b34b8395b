"""Which TLS policy configuration has for a recipient domain, and whether certificates are looked at for it.

For the policy the first of these that says anything: ``delivery.domains."X".tls_policy``; the ``domain_overrides`` that
name the domain; ``default_policy``. ``require_tls`` then adds to what the latter two say, and never takes away. For
certificates the domain speaks before all others as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from empath.config.schema import DeliverySettings
from empath.delivery.finding.demands import DomainTls
from empath.delivery.lanes.limits import domain_settings
from empath.policy.encryption.tls import TlsPolicy


class TlsChoice:
    """The policies of all domains. Looks up in constant time, since every message asks."""

    def __init__(self, settings: DeliverySettings) -> None:
        """Take over what the settings say. Of several overrides for a domain the first one counts."""
        self._settings = settings
        self._overrides: Mapping[str, TlsPolicy] = {
            domain.ascii: override.policy
            for override in reversed(settings.tls.domain_overrides)
            for domain in override.domains
        }

    def of(self, domain: str) -> DomainTls:
        """What configuration says about a domain, in A-labels."""
        own = domain_settings(self._settings, domain)
        policy = self._overrides.get(domain, self._settings.tls.default_policy)
        accept_invalid_certs = self._settings.accept_invalid_certs
        if own is not None:
            if own.require_tls and not policy.mandatory:
                policy = TlsPolicy.REQUIRED
            policy = own.tls_policy or policy
            if own.accept_invalid_certs is not None:
                accept_invalid_certs = own.accept_invalid_certs
        return DomainTls(policy=policy, accept_invalid_certs=accept_invalid_certs)


def unchecked_domains(settings: DeliverySettings) -> Iterator[str]:
    """For whom certificates are not looked at, as phrases for a warning."""
    own = {domain.text: one.accept_invalid_certs for domain, one in settings.domains.items()}
    if settings.accept_invalid_certs:
        checked = sorted(domain for domain, accepts in own.items() if accepts is False)
        yield f"all domains but {', '.join(checked)}" if checked else "all domains"
    else:
        yield from sorted(domain for domain, accepts in own.items() if accepts)
