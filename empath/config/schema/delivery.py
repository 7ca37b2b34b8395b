"""Settings of the sending side: ``[delivery]``."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from attrs import frozen

from empath.config.answers import REPLY_RULES
from empath.config.kinds import FILE, HOST, NAME_SERVER, rate
from empath.config.own_addresses import OWN_HOST, SOURCES
from empath.config.schema.encryption import TlsSettings
from empath.config.schema.keys import (
    choice,
    count,
    duration,
    factor,
    flag,
    optional,
    several,
    size,
    table,
    tables_by_domain,
    value,
)
from empath.config.schema.lanes import DomainSettings, PrioritySettings, RateLimitSettings, SiteSettings
from empath.config.schema.outcomes import DsnSettings, RetrySettings, UncertainSettings
from empath.config.schema.smart_host import SmartHostAuthSettings
from empath.config.units import HostPort, Period, Rate
from empath.policy.approach import IpPreference
from empath.policy.replies import ReplyRule
from empath.smtp.address import Domain
from empath.world.endpoint import TcpEndpoint


class QueueBackend(Enum):
    """What keeps the queue."""

    SQLITE = "sqlite"
    FILES = "files"
    POSTGRES = "postgres"


@frozen(kw_only=True)
class TimeoutSettings:
    """``[delivery.smtp_timeouts]``: how long a next hop may take. The defaults are what RFC 5321 4.5.3.2 asks for."""

    connect_s: float = duration("30s", "how long one address may take to accept a connection")
    greeting_s: float = duration("5m", "how long we wait for the 220 of a next hop (RFC 5321 4.5.3.2.1)")
    command_s: float = duration(
        "5m", "how long we wait for the reply to MAIL, RCPT and the like (RFC 5321 4.5.3.2.2, 3)"
    )
    data_init_s: float = duration("2m", "how long we wait for the 354 (RFC 5321 4.5.3.2.4)")
    data_s: float = duration("3m", "how long one block of a message may take to be sent (RFC 5321 4.5.3.2.5)")
    data_reply_s: float = duration("10m", "how long we wait for the reply to the final dot (RFC 5321 4.5.3.2.6)")
    quit_s: float = duration("5s", "how long we wait for the reply to QUIT; it decides nothing")


@frozen(kw_only=True)
class WorkerSettings:
    """``[delivery.workers]``: no key of its own; ``max_concurrent`` is a second name of ``max_parallel_deliveries``."""


@frozen(kw_only=True)
class PoolSettings:
    """``[delivery.connection_pool]``: connections that wait for the next message."""

    idle_timeout_s: float = duration(
        "5m", "how long a connection without work is kept; 0 closes it at once", at_least="0"
    )


@frozen(kw_only=True)
class DnssecSettings:
    """``[delivery.dns.dnssec]``: what is made of the word of a validating resolver."""

    enabled: bool = flag(True, "whether the resolver is asked if its answers are authentic")
    enforce: bool = flag(False, "whether mail waits where DNSSEC does not vouch for the way to the host")


@frozen(kw_only=True)
class DnsSettings:
    """``[delivery.dns]``: who is asked, and for how long an answer holds."""

    servers: tuple[TcpEndpoint, ...] = several(
        NAME_SERVER, "which DNS servers are asked; none means those of the system"
    )
    timeout_s: float = duration("10s", "how long one question may take with all its repetitions")
    cache_ttl_s: float = duration(
        "5m", "how long an answer is kept at most, whatever its own TTL; a second at least", at_least="0"
    )
    cache_entries: int = count(10_000, "how many answers of each kind are kept: MX, A, AAAA, TXT and TLSA")
    max_queries: int = count(100, "how many questions may be under way at once; each has a socket or two")
    trust_ad: bool = flag(
        False, "whether the way to servers on other machines is safe, so that what they say of DNSSEC counts"
    )
    dnssec: DnssecSettings = table(DnssecSettings)


@frozen(kw_only=True)
class AdaptationSettings:
    """``[delivery.adaptation]``: what becomes of a lane whose host has asked for less."""

    min_rate: Rate = value(
        rate(Period.MINUTE), Rate(1, Period.MINUTE), "how slow a host can make a lane at most; a number is per minute"
    )
    recovery_interval_s: float = duration(
        "60s", "how long a lane that was slowed down goes without a complaint before it goes a little faster"
    )


@frozen(kw_only=True)
class BreakerSettings:
    """``[delivery.circuit_breaker]``: when a site that fails is left alone."""

    failure_threshold: int = count(5, "how many failures of a site in a row open its breaker")
    timeout_s: float = duration("60s", "how long an open breaker lets nothing through before it probes")
    max_timeout_s: float = duration(
        "15m", "how long that is at most: each probe that fails doubles it; means nothing below timeout"
    )
    half_open_max_calls: int = count(3, "how many probes decide whether the breaker closes")


@frozen(kw_only=True)
class DeliverySettings:
    """``[delivery]``: how mail leaves."""

    frozen: bool = flag(False, "whether the daemon starts with all attempts stopped")
    queue_backend: QueueBackend = choice(
        QueueBackend.SQLITE,
        "what keeps the queue",
        also={"file": QueueBackend.FILES},
        unsafe={"memory": "a queue in memory is lost with the process, and a 250 is a promise to keep the message"},
        needs_restart=True,
    )
    queue_path: Path | None = optional(
        FILE, "where the backend keeps the queue; `queue` below spool.path unless set", needs_restart=True
    )
    queue_url_file: Path | None = optional(
        FILE, "where the connection string of the PostgreSQL server lies, which has a password", needs_restart=True
    )
    failed_retention_s: float = duration(
        "24h", "how long a delivery that has failed or expired can still be seen", at_least="0"
    )
    trash_retention_s: float = duration("1h", "how long a delivery that was deleted can be brought back", at_least="0")
    smart_host: HostPort | None = optional(HOST, "which host gets all mail in place of the MX hosts of each domain")
    smart_host_auth: SmartHostAuthSettings = table(SmartHostAuthSettings)
    smtp_port: int = count(25, "which port is used where neither MX nor configuration names one", at_most=65_535)
    allow_private_hosts: bool = flag(False, "whether DNS may send us to loopback, private and link-local addresses")
    own_hosts: tuple[str, ...] = several(
        OWN_HOST, "what else MX records may call this host, besides hostname and the addresses of its listeners"
    )
    ip: IpPreference = choice(IpPreference.PREFER_V4, "which IP versions are used, and which of them first")
    source: tuple[str, ...] | None = optional(
        SOURCES, "from which address of this host we connect; a family without one is not used then"
    )
    max_hosts_per_attempt: int = count(5, "how many MX hosts of a domain, the best ones, an attempt considers")
    max_addresses_per_attempt: int = count(6, "how many addresses an attempt tries before it is deferred")
    max_search_time_s: float = duration(
        "30m", "how long an attempt may look for a host that answers before it begins no further one"
    )
    accept_invalid_certs: bool = flag(
        False, "whether the certificates of next hops are not looked at, whatever policy asks for it"
    )
    max_attempts: int = count(25, "how many attempts a delivery gets before it is returned", at_most=1000)
    max_age_s: float = duration("5d", "how old a delivery may become before it is returned (RFC 5321 4.5.4.1)")
    retry_base_delay_s: float = duration("60s", "how long after its first attempt a delivery is tried again")
    retry_max_delay_s: float = duration("24h", "how far apart two attempts may be at most")
    retry_multiplier: float = factor(
        2.0, "by how much each delay is longer than the one before", at_least=1, at_most=100
    )
    retry_jitter_factor: float = factor(
        0.2, "which part of a delay chance may add or take, so that retries spread", at_least=0, at_most=0.99
    )
    max_deliveries_in_memory: int = count(
        10_000, "how many deliveries may be in memory; the others wait in the spool, and lose nothing by it"
    )
    max_memory_bytes: int = size(
        "64MiB", "how much the messages in memory may take, without those that are kept as files", at_least="1B"
    )
    max_backlog_per_site: int = count(
        2000, "how many messages for one site may be in memory; further ones wait in the spool"
    )
    max_lanes: int = count(20_000, "how many sites are remembered that have no mail at the moment")
    max_parallel_deliveries: int = count(200, "how many connections to next hops may be open in all")
    max_connections_per_host: int = count(20, "how many connections one site, and one host, may get from us")
    max_recipients_per_transaction: int = count(100, "how many recipients of a message go in one transaction")
    one_write_limit_bytes: int = size(
        "64KiB", "how large a message may be to leave in one write with its envelope, where the host has CHUNKING"
    )
    max_messages_per_connection: int = count(500, "how many messages a connection carries before it is closed")
    workers: WorkerSettings = table(WorkerSettings)
    connection_pool: PoolSettings = table(PoolSettings)
    smtp_timeouts: TimeoutSettings = table(TimeoutSettings)
    dns: DnsSettings = table(DnsSettings)
    tls: TlsSettings = table(TlsSettings)
    domains: Mapping[Domain, DomainSettings] = tables_by_domain(DomainSettings)
    sites: Mapping[Domain, SiteSettings] = tables_by_domain(SiteSettings)
    rate_limits: RateLimitSettings = table(RateLimitSettings)
    priorities: PrioritySettings = table(PrioritySettings)
    circuit_breaker: BreakerSettings = table(BreakerSettings)
    dsn: DsnSettings = table(DsnSettings)
    retry: RetrySettings = table(RetrySettings)
    uncertain: UncertainSettings = table(UncertainSettings)
    reply_rules: tuple[ReplyRule, ...] = value(
        REPLY_RULES, (), "what the answers of hosts are about and what to do about them, before all other rules"
    )
    rules_file: Path | None = optional(
        FILE, "which rules are asked after these, and before those that come with Empath"
    )
    adaptation: AdaptationSettings = table(AdaptationSettings)
