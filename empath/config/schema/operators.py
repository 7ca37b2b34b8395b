"""Settings of what operators watch and steer with: ``[metrics]``, ``[health]``, ``[api]``, ``[audit]``, ``[log]``."""

from enum import Enum
from pathlib import Path

from attrs import frozen

from empath.config.kinds import DOMAIN, ENDPOINT, FILE, TEXT, one_of, rate
from empath.config.schema.keys import choice, count, duration, factor, flag, optional, several, size, table, value
from empath.config.units import Period, Rate
from empath.smtp.address import Domain
from empath.world.endpoint import TcpEndpoint


def _loopback(port: int) -> TcpEndpoint:
    return TcpEndpoint("127.0.0.1", port)


class Redaction(Enum):
    """What the audit log makes of an address."""

    NONE = "none"
    LOCAL = "local"
    """The local part is replaced, the domain stays."""
    HASH = "hash"
    """A keyed hash, so that equal addresses can still be found together."""


class OnFull(Enum):
    """What is done when the audit log is not written as fast as there are records."""

    DROP = "drop"
    """Records are dropped and counted; mail goes on."""
    DEFER = "defer"
    """No new mail is taken for the time being; what is here is delivered."""


class LogLevel(Enum):
    """The least important kind of line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(Enum):
    """How a line is written."""

    AUTO = "auto"
    """For people on a terminal, for programs under a collector."""
    LOGFMT = "logfmt"
    JSON = "json"


@frozen(kw_only=True)
class HttpSettings:
    """``[http]``: what one server for the three sections below may be asked for."""

    max_connections: int = count(64, "how many connections a server may have open; further ones wait")
    read_timeout_s: float = duration("10s", "how long a request may take to come, and its answer to go")
    max_request_bytes: int = size(
        "16KiB", "how much of a request is held while it is not complete", at_least="1KiB", at_most="1MiB"
    )
    max_content_bytes: int = size(
        "1MiB", "how large the content of a request may be, apart from messages", at_least="1KiB", at_most="64MiB"
    )
    content_timeout_s: float = duration("60s", "how long the content of a request may take to come")


@frozen(kw_only=True)
class MetricsSettings:
    """``[metrics]``: figures for Prometheus."""

    enabled: bool = flag(True, "whether metrics are served")
    listen_addr: TcpEndpoint = value(
        ENDPOINT, _loopback(9090), "where metrics are served; sections may share an address"
    )
    max_domains: int = count(100, "how many domains get a series of their own", at_least=0, at_most=10_000)
    pinned_domains: tuple[Domain, ...] = several(
        DOMAIN, "which recipient domains, and sites, have a series of their own beside these, whatever comes of them"
    )


class Requirement(Enum):
    """A check that makes the daemon degraded, and unready if configuration wants it so."""

    DELIVERY = "delivery"
    DNS = "dns"
    QUARANTINE = "quarantine"
    DELETION = "deletion"
    AUDIT = "audit"
    BREAKERS = "breakers"
    CERTIFICATES = "certificates"
    LOOP = "loop"
    CLOCK = "clock"
    VERSION = "version"


@frozen(kw_only=True)
class HealthSettings:
    """``[health]``: whether the daemon lives, and whether it can take mail."""

    enabled: bool = flag(True, "whether health is served")
    listen_addr: TcpEndpoint = value(ENDPOINT, _loopback(8080), "where health is served; sections may share an address")
    max_queue_size: int = count(100_000, "how many deliveries may wait before the daemon calls itself not ready")
    min_success_rate: float = factor(
        0.5,
        "what part of the attempts of the last 15 minutes must have gone well, else the daemon calls itself degraded",
        at_least=0.0,
        at_most=1.0,
    )
    max_open_breakers: int = count(
        20, "how many sites may be left alone because they fail before the daemon calls itself degraded", at_least=0
    )
    max_loop_lag_s: float = duration(
        "1s", "how late the event loop may have been within a minute before the daemon calls itself degraded"
    )
    max_clock_step_s: float = duration(
        "5s", "how far the wall clock may be set before the daemon calls itself degraded, for a quarter of an hour"
    )
    ready_requires: tuple[Requirement, ...] = several(
        one_of(Requirement), "which further checks must go well for the daemon to call itself ready"
    )


@frozen(kw_only=True)
class LiveSettings:
    """``[api.live]``: the websocket that dashboards and ``empathctl`` watch through."""

    max_viewers: int = count(50, "how many may watch at a time", at_most=10_000)
    max_subscriptions: int = count(32, "how many topics one viewer may watch at a time", at_most=1000)
    max_message_bytes: int = size("16KiB", "how large a message of a viewer may be", at_least="1KiB", at_most="1MiB")
    max_events: int = count(1000, "how many events are kept for one that reads slowly", at_most=100_000)
    event_room_bytes: int = size("256KiB", "how much room these events may take", at_least="16KiB", at_most="64MiB")
    event_rate: Rate = value(
        rate(Period.SECOND), Rate(200, Period.SECOND), "how many events one viewer is shown; further ones are counted"
    )
    send_timeout_s: float = duration("10s", "how long a viewer may take to read what he is sent")
    ping_interval_s: float = duration("20s", "how often a viewer is asked whether he is still there", at_least="1s")
    ticket_time_s: float = duration("30s", "how long a ticket for the websocket is valid")


@frozen(kw_only=True)
class ApiTlsSettings:
    """``[api.tls]``: what the API is served with, and what shares its address. Both files or neither."""

    cert_file: Path | None = optional(
        FILE, "which certificate with its chain the API is served with, as PEM; none: it is served in clear"
    )
    key_file: Path | None = optional(FILE, "where the private key of this certificate lies, as PEM")


@frozen(kw_only=True)
class ApiSettings:
    """``[api]``: what commands and the dashboard talk to."""

    enabled: bool = flag(True, "whether the API is served")
    listen_addr: TcpEndpoint = value(
        ENDPOINT, _loopback(8080), "where the API is served; sections may share an address"
    )
    tokens_file: Path | None = optional(
        FILE, "which file has the tokens by which clients are known; without one only the control socket is answered"
    )
    allow_insecure_http: bool = flag(False, "whether the API may be served to other machines without TLS")
    rate_limit: Rate = value(
        rate(Period.SECOND), Rate(100, Period.SECOND), "how many requests one token, or one user, may make"
    )
    max_message_size_bytes: int = size("25MiB", "how large a message may be that is handed in here", at_least="1KiB")
    max_jobs: int = count(100, "how many jobs of operators are remembered, those at work included", at_most=10_000)
    undo_window_s: float = duration(
        "30m", "how long a job can be undone, and how long what it bounces is kept back for that", at_least="0"
    )
    control_socket: Path = value(FILE, Path("/run/empath/control.sock"), "where the Unix socket for empathctl lies")
    allowed_origins: tuple[str, ...] = several(TEXT, "which foreign web origins may open the live connection")
    dashboard: bool = flag(True, "whether the dashboard is served")
    session_time_s: float = duration("12h", "how long a login by browser lasts")
    max_sessions: int = count(
        100, "how many logins by browser there are at a time, and tickets and codes; else the oldest ends"
    )
    login_code_time_s: float = duration("10m", "how long a code from `empathctl login-code` can be used")
    tls: ApiTlsSettings = table(ApiTlsSettings)
    live: LiveSettings = table(LiveSettings)


@frozen(kw_only=True)
class AuditSettings:
    """``[audit]``: the record of what happened to each message."""

    enabled: bool = flag(True, "whether the audit log is written")
    log_path: Path = value(
        FILE, Path("/var/log/empath/audit.jsonl"), "where the audit log lies; a date is added when it rotates"
    )
    rotate_daily: bool = flag(True, "whether each day has its own file")
    retain_days: int = count(90, "how many days of audit log are kept", at_most=36_500)
    max_pending: int = count(
        10_000, "how many records may wait to be written before further ones are dropped and counted"
    )
    on_full: OnFull = choice(OnFull.DROP, "what is done when records wait because they cannot be written fast enough")
    hash_chain: bool = flag(False, "whether each record is sealed with those before it, so that a change shows")
    redact_sender: Redaction = choice(Redaction.NONE, "what is written in place of a sender")
    redact_recipients: Redaction = choice(Redaction.NONE, "what is written in place of a recipient")
    history_timeout_s: float = duration("20s", "how long one search in the audit log may take")
    history_records: int = count(10_000, "how many records one search in the audit log may find", at_most=1_000_000)


@frozen(kw_only=True)
class TracingSettings:
    """``[tracing]``: spans for OpenTelemetry. It needs the extra ``otel``."""

    enabled: bool = flag(False, "whether spans are made and sent to a collector")
    endpoint: str = value(TEXT, "http://127.0.0.1:4318/v1/traces", "where the collector takes OTLP over HTTP")
    sample_ratio: float = factor(
        1.0,
        "which part of messages is traced that bring no traceparent, which decides by itself",
        at_least=0,
        at_most=1,
    )
    max_pending: int = count(10_000, "how many facts may wait to become spans before further ones are dropped")
    interval_s: float = duration("5s", "how often spans are sent", at_least="100ms")
    timeout_s: float = duration("5s", "how long the collector may take", at_least="100ms")


@frozen(kw_only=True)
class LogSettings:
    """``[log]``: lines for people and collectors."""

    level: LogLevel = choice(LogLevel.INFO, "which lines are written, down to this importance")
    format: LogFormat = choice(LogFormat.AUTO, "how a line is written")
