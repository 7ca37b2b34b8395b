"""Settings of lanes: what differs for domains and sites, how fast mail leaves, and which of it goes first."""

from collections.abc import Mapping

from attrs import frozen

from empath.config.classes import CLASS, CLASSES_BY_USER, FIELD_NAME
from empath.config.kinds import DOMAIN, FLAG, HOST, TEXT, WHOLE, one_of, rate
from empath.config.own_addresses import SOURCES
from empath.config.schema.keys import choice, count, duration, factor, flag, optional, several, table, tables, value
from empath.config.units import HostPort, Period, Rate
from empath.mail.priority import Priority
from empath.policy.approach import IpPreference
from empath.policy.encryption.tls import TlsPolicy
from empath.smtp.address import Domain


@frozen(kw_only=True)
class DomainSettings:
    """``[delivery.domains."X"]``: what differs for one recipient domain. Subdomains are not included."""

    max_connections: int | None = optional(WHOLE, "how many connections may be open for this domain", at_least=1)
    rate_limit: Rate | None = optional(
        rate(Period.MINUTE), "how many messages may go to this domain; a number is per minute"
    )
    connection_rate: Rate | None = optional(
        rate(Period.MINUTE), "how many connections may be begun for this domain; a number is per minute"
    )
    priority: Priority | None = optional(CLASS, "which class mail for it has, if nothing else gives it one")
    require_tls: bool = flag(False, "whether mail for this domain waits rather than go in clear")
    tls_policy: TlsPolicy | None = optional(
        one_of(TlsPolicy), "which TLS policy this domain has; else delivery.tls says"
    )
    accept_invalid_certs: bool | None = optional(
        FLAG, "whether the certificates of its hosts are not looked at; else delivery.accept_invalid_certs says"
    )
    mx_override: HostPort | None = optional(HOST, "which host gets the mail of this domain in place of its MX hosts")
    ip: IpPreference | None = optional(one_of(IpPreference), "which IP versions are used for it; else delivery.ip says")
    source: tuple[str, ...] | None = optional(SOURCES, "from which address we connect; else delivery.source says")


@frozen(kw_only=True)
class SiteSettings(DomainSettings):
    """``[delivery.sites.NAME]``: recipient domains that share a lane, and the keys of a domain for all of them.

    A domain that is called like the site belongs to it as well.
    """

    domains: tuple[Domain, ...] = several(DOMAIN, "which recipient domains make this site; subdomains are not included")


@frozen(kw_only=True)
class ConnectionRateSettings:
    """``[delivery.rate_limits.connections]``: how often we connect. Each try counts."""

    global_per_second: Rate | None = optional(
        rate(Period.SECOND), "how many connections may be begun in all; a number is per second"
    )
    per_site: Rate | None = optional(
        rate(Period.MINUTE), "how many connections may be begun to each site; a number is per minute"
    )
    per_source: Rate | None = optional(
        rate(Period.MINUTE), "how many connections may be begun from each of our addresses; a number is per minute"
    )


@frozen(kw_only=True)
class RateLimitSettings:
    """``[delivery.rate_limits]``: limits that hold together; what is left out is unlimited. They count messages.

    A message to several recipients that goes in one transaction counts once, and once for each further transaction.
    """

    global_per_second: Rate | None = optional(
        rate(Period.SECOND), "how many messages may leave in all; a number is per second"
    )
    per_domain_per_second: Rate | None = optional(
        rate(Period.SECOND), "how many messages may go to each domain; a number is per second"
    )
    default: Rate | None = optional(
        rate(Period.MINUTE), "how many messages may go to a domain that has no rate_limit; a number is per minute"
    )
    per_site: Rate | None = optional(
        rate(Period.MINUTE), "how many messages may go to each site that has no rate_limit; a number is per minute"
    )
    per_source: Rate | None = optional(
        rate(Period.MINUTE), "how many messages may leave from each of our addresses; a number is per minute"
    )
    per_sender: Rate | None = optional(
        rate(Period.MINUTE), "how many messages of each user who logged in may leave; a number is per minute"
    )
    count_reports: bool = flag(False, "whether the reports that we make wait for these limits, and count")
    count_local: bool = flag(False, "whether mail to next hops on this machine waits for these limits, and counts")
    max_domains: int = count(
        10_000,
        "how many domains, sites, addresses and users are counted at once; those with the most left are forgotten",
    )
    connections: ConnectionRateSettings = table(ConnectionRateSettings)


@frozen(kw_only=True)
class WeightSettings:
    """``[delivery.priorities.weights]``: how much of a lane each class gets while all of them wait."""

    critical: float = factor(8.0, "how much the class critical gets, in proportion", at_least=0.01, at_most=1000)
    high: float = factor(4.0, "how much the class high gets, in proportion", at_least=0.01, at_most=1000)
    normal: float = factor(2.0, "how much the class normal gets, in proportion", at_least=0.01, at_most=1000)
    low: float = factor(1.0, "how much the class low gets, in proportion", at_least=0.01, at_most=1000)


@frozen(kw_only=True)
class HeaderRuleSettings:
    """``[[delivery.priorities.headers]]``: a field that gives a message a class. The first match counts."""

    name: bytes | None = optional(FIELD_NAME, "which header field is looked at")
    holds: str | None = optional(TEXT, "what the field must hold, without regard to case; else anything")
    priority: Priority = choice(
        Priority.NORMAL, "which class the message then has; clients that are not known can only lower it"
    )


@frozen(kw_only=True)
class PrioritySettings:
    """``[delivery.priorities]``: which mail goes first where not all can go at once."""

    weights: WeightSettings = table(WeightSettings)
    users: Mapping[str, Priority] = value(CLASSES_BY_USER, {}, "which class the mail of a user has who logged in")
    headers: tuple[HeaderRuleSettings, ...] = tables(HeaderRuleSettings, default=())
    mt_priority_cap: Priority = choice(Priority.HIGH, "which class MT-PRIORITY (RFC 6710) can ask for at most")
    head_start_s: float = duration(
        "10m",
        "by how much longer than a message of the next higher class others must have waited to be claimed before it",
        at_least="0",
    )
    retry_share: float = factor(
        0.2, "which part of a lane retries may take while new mail waits", at_least=0.01, at_most=0.99
    )
    reserved_connections: int = count(
        0, "how many of max_parallel_deliveries are kept free for the class critical", at_least=0
    )
    reserved_per_site: int = count(
        0, "how many of the connections of a site are kept free for the class critical", at_least=0
    )
