"""IPv4 and IPv6 addresses of a host as one finding.

They are two questions to DNS and one to those who dial. What must not happen is that a broken answer to one of them
looks like the absence of addresses: a host whose AAAA lookup fails and that has no A record must not lose its mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from empath.world.answers import Answer
from empath.world.errors import DnsError, DnsTemporary, NoData, NoSuchDomain

if TYPE_CHECKING:
    from typing import TypeAlias

    Finding: TypeAlias = Answer[str] | DnsError

GRAVITY = (NoData, NoSuchDomain, DnsTemporary)
"""Which of two problems speaks for both: the later one."""


def both_families(host: str, v4: Finding, v6: Finding) -> Answer[str]:
    """Return the addresses of both, or raise what both together say. See `Resolver.addresses` for the rules."""
    findings = (v4, v6)
    ttl_s, security = min(v4.ttl_s, v6.ttl_s), min(v4.security, v6.security)
    found = [finding for finding in findings if isinstance(finding, Answer)]
    problems = sorted(
        (finding for finding in findings if isinstance(finding, DnsError)),
        key=lambda problem: GRAVITY.index(type(problem)),
    )
    if not found:
        worst = problems[-1]
        reason = "has no address" if isinstance(worst, NoData) else worst.reason
        raise attrs.evolve(worst, name=host, reason=reason, security=security, ttl_s=ttl_s)
    if any(isinstance(problem, DnsTemporary) for problem in problems):
        # Ask again soon. What was found is as authentic as if nobody had asked for the other: else whoever breaks that
        # answer could make TLSA records not count (RFC 7672 2.1.2).
        ttl_s, security = 0.0, min(answer.security for answer in found)
    records = tuple(record for answer in found for record in answer.records)
    return Answer(records, found[0].canonical_name, ttl_s=ttl_s, security=security)
