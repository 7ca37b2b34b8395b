"""Checks of TLS towards next hops: policies that say different things, or nothing, or what nobody could prove."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject, own_tables
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.policy.encryption.tls import TlsPolicy
from empath.smtp.address import Domain

_DEFAULT: KeyPath = ("delivery", "tls", "default_policy")
_DNS: KeyPath = ("delivery", "dns")


def policies(subject: Subject) -> Iterator[Finding]:
    """``require_tls`` where it changes nothing, and where ``tls_policy`` says otherwise."""
    delivery = subject.config.delivery
    for table, settings in own_tables(delivery):
        key: KeyPath = (*table, "require_tls")
        if settings.require_tls and settings.tls_policy is not None and not settings.tls_policy.mandatory:
            yield Finding(
                code=Code.CONTRADICTION,
                about=((*key[:-1], "tls_policy"), key),
                what=f'= "{settings.tls_policy.value}" stands beside require_tls = true',
                why="one lets mail go in clear, the other one does not",
                remedy='tls_policy = "required" alone says that mail waits rather than go in clear',
            )
        elif delivery.tls.default_policy.mandatory and not settings.require_tls and subject.is_given(key):
            yield Finding(
                code=Code.NO_EFFECT,
                about=(key, _DEFAULT),
                what=f'= false changes nothing while default_policy = "{delivery.tls.default_policy.value}"',
                why="require_tls only adds to the default",
                remedy='tls_policy = "opportunistic" lets mail for this domain go in clear',
                is_error=False,
            )


def overrides(subject: Subject) -> Iterator[Finding]:
    """Overrides for no domain, and two for the same one."""
    seen: dict[str, int] = {}
    for place, override in enumerate(subject.config.delivery.tls.domain_overrides):
        key: KeyPath = ("delivery", "tls", "domain_overrides", place, "domains")
        if not override.domains:
            yield Finding(
                code=Code.NO_EFFECT,
                about=(key,),
                what="names no domain",
                why="a policy for nobody is one that somebody is without",
                remedy='name them: domains = ["example.org"]',
                is_error=False,
            )
        for domain in override.domains:
            if seen.setdefault(domain.ascii, place) != place:
                yield Finding(
                    code=Code.CONTRADICTION,
                    about=(key,),
                    what=f"{domain.text} has another policy before this one",
                    why="a domain has one policy",
                    remedy="name it once",
                )


def dane(subject: Subject) -> Iterator[Finding]:
    """The policy ``dane`` without a resolver whose word on DNSSEC counts."""
    dns = subject.config.delivery.dns
    far = [str(server) for server in dns.servers if not server.is_loopback]
    if dns.dnssec.enabled and (dns.trust_ad or not far):
        return
    reason = f"{', '.join(far)} is not believed" if dns.dnssec.enabled else "dnssec.enabled = false"
    for key in _asking_for_dane(subject):
        yield Finding(
            code=Code.CONTRADICTION,
            about=(key, (*_DNS, "servers"), (*_DNS, "trust_ad"), (*_DNS, "dnssec", "enabled")),
            what=f'= "dane", and nobody can say which DNS answers are authentic: {reason}',
            why="all this mail would wait, and be returned in the end",
            remedy="run a validating resolver on this machine, or set dns.trust_ad = true if the way to it is safe",
        )


def reports(subject: Subject) -> Iterator[Finding]:
    """A contact that cannot stand in a report, or whose domain cannot."""
    contact = subject.config.delivery.tls.report.contact
    if contact is not None and (contact.needs_utf8 or contact.domain is None or not isinstance(contact.domain, Domain)):
        yield Finding(
            code=Code.BAD_VALUE,
            about=(("delivery", "tls", "report", "contact"),),
            what=f"{contact} cannot stand in a report on TLS",
            why="its domain is the one that reports, and the local part goes to hosts that know ASCII only",
            remedy='write it like "postmaster@example.org"',
        )


def _asking_for_dane(subject: Subject) -> Iterator[KeyPath]:
    delivery = subject.config.delivery
    if delivery.tls.default_policy is TlsPolicy.DANE:
        yield _DEFAULT
    for place, override in enumerate(delivery.tls.domain_overrides):
        if override.policy is TlsPolicy.DANE:
            yield ("delivery", "tls", "domain_overrides", place, "policy")
    for table, settings in own_tables(delivery):
        if settings.tls_policy is TlsPolicy.DANE:
            yield (*table, "tls_policy")
