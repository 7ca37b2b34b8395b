"""Which recipients of one message keep company: those that may go in one transaction though their domains differ.

Domains that DNS routes go by themselves: which hosts take their mail is asked anew for each of them, so that two have
the same ones is known too late. Domains that configuration sends to the same next hop are in company, if nothing that
the connection hangs on differs: from where we connect, over which address family, and what configuration wants of TLS.
A domain with a rate of its own goes by itself, since its limit must not hold others up.

What is left to be seen on the connection (a certificate that is good for one domain and not for another, a host that
takes few domains) is seen there, by the sender.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

from attrs import frozen

from empath.delivery.finding.demands import DomainTls
from empath.delivery.finding.target import Finder
from empath.policy.encryption.tls import TlsPolicy

_BY_DOMAIN: Final = (TlsPolicy.VERIFIED, TlsPolicy.DANE)
"""Under these a certificate may be for the recipient domain too, and so is good for one domain and not for another."""


@frozen(kw_only=True)
class Company:
    """See the module."""

    finder: Finder
    configured: Callable[[str], DomainTls]
    is_limited: Callable[[str], bool]
    """Whether messages to a recipient domain are counted apart from others."""

    def of(self, domain: str) -> Hashable:
        """What is the same for two recipient domains that keep company."""
        next_hop = self.finder.next_hop(domain)
        if next_hop is None or self.is_limited(domain):
            return domain
        tls = self.configured(domain)
        if tls.policy in _BY_DOMAIN and not tls.by_host_name:
            return domain
        return next_hop, self.finder.approach(domain), tls
