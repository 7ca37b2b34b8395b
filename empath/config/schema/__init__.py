"""Every key there is, as frozen classes: the only part of the configuration that the rest of Empath looks at.

One class holds one table of the file; ``Config`` holds them all. Names are those of the file, with the unit added
where a value is a plain number: the key ``shutdown.grace`` is ``config.shutdown.grace_s``. Durations are seconds as
``float``, sizes are octets as ``int`` (``..._bytes``); addresses, hosts, networks, domains and rates have types. A
value is in its limits when it comes from `empath.config.load`; the classes themselves do not look.

Each attribute carries its `Key` as metadata: what it means, how it is read, its limits, and whether a change needs a
restart. A key stands here from the day that something obeys it, not earlier; what is planned is listed in
`empath.config.absent`, so that using it is an error with a reason and never a setting without effect.

Why not one flat table of options with getters: a session would then hold the settings of everything, and a misspelled
name would be found while it runs. Here it is handed ``config.smtp.limits``, and a type checker reads along.
"""

from empath.config.schema.delivery import (
    BreakerSettings,
    DeliverySettings,
    DnsSettings,
    DomainSettings,
    DsnSettings,
    PoolSettings,
    QueueBackend,
    RateLimitSettings,
    TimeoutSettings,
    TlsSettings,
    WorkerSettings,
)
from empath.config.schema.keys import Key, walk
from empath.config.schema.operators import (
    ApiSettings,
    AuditSettings,
    HealthSettings,
    LogFormat,
    LogLevel,
    LogSettings,
    MetricsSettings,
    Redaction,
)
from empath.config.schema.root import ALIASES, Config, Mode, ShutdownSettings, SpoolSettings
from empath.config.schema.smtp import (
    LOOPBACK,
    CertificateSettings,
    LimitSettings,
    ListenerSettings,
    ListenerTls,
    Profile,
    RelaySettings,
    SmtpSettings,
)
from empath.config.units import HostPort, IPAddress, IPNetwork, Period, Rate
from empath.policy.tls import TlsPolicy

__all__ = [
    "ALIASES",
    "LOOPBACK",
    "ApiSettings",
    "AuditSettings",
    "BreakerSettings",
    "CertificateSettings",
    "Config",
    "DeliverySettings",
    "DnsSettings",
    "DomainSettings",
    "DsnSettings",
    "HealthSettings",
    "HostPort",
    "IPAddress",
    "IPNetwork",
    "Key",
    "LimitSettings",
    "ListenerSettings",
    "ListenerTls",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "MetricsSettings",
    "Mode",
    "Period",
    "PoolSettings",
    "Profile",
    "QueueBackend",
    "Rate",
    "RateLimitSettings",
    "Redaction",
    "RelaySettings",
    "ShutdownSettings",
    "SmtpSettings",
    "SpoolSettings",
    "TimeoutSettings",
    "TlsPolicy",
    "TlsSettings",
    "WorkerSettings",
    "walk",
]
