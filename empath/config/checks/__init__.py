"""What no key can know alone: values that do not go together, and values that are allowed and probably not meant.

A check is a function that yields findings. A finding names the keys it is about; it is dropped when one of them was
refused before, since a default that nobody chose stands there then. Errors are for what cannot be obeyed or must not
be; warnings are about what an operator wrote and may have meant, never about defaults: nobody could act on those.
"""

from collections.abc import Iterator
from typing import Final

from empath.config.checks import (
    certificates,
    encryption,
    lanes,
    login,
    next_hops,
    proxies,
    queueing,
    reception,
    relaying,
    retrying,
    sending,
    smart_host,
    watching,
)
from empath.config.checks.finding import Subject
from empath.config.faults import Fault, Severity
from empath.config.layers import Layers
from empath.config.structure import Reading

_CHECKS: Final = (
    sending.hostname,
    relaying.open_relay,
    relaying.trusted_proxies,
    relaying.aliases,
    proxies.believed,
    reception.listeners,
    certificates.certificates,
    login.authentication,
    reception.addresses,
    reception.limits,
    sending.schedule,
    retrying.rules,
    sending.timeouts,
    sending.loops,
    sending.connections,
    lanes.sites,
    lanes.connections,
    lanes.header_rules,
    encryption.policies,
    encryption.overrides,
    encryption.dane,
    encryption.reports,
    smart_host.login,
    queueing.server,
    next_hops.dnssec,
    next_hops.families,
    watching.dashboard,
    watching.exposure,
    watching.certificate,
    watching.retention,
)


def check(reading: Reading, layers: Layers) -> Iterator[Fault]:
    """Yield what is wrong between keys."""
    subject = Subject(reading.config, layers.is_given)
    for look in _CHECKS:
        for finding in look(subject):
            if not any(path[: len(refused)] == refused for path in finding.about for refused in reading.refused):
                given = next((path for path in finding.about if layers.is_given(path)), finding.about[0])
                yield Fault(
                    code=finding.code,
                    severity=Severity.ERROR if finding.is_error else Severity.WARNING,
                    key=finding.about[0] if finding.names_key else (),
                    what=finding.what,
                    why=finding.why,
                    remedy=finding.remedy,
                    origin=layers.origin(given),
                )
