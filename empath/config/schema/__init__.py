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

from empath.config.schema.auth import AuthSettings
from empath.config.schema.capture import CaptureSettings
from empath.config.schema.certificates import CertificateSettings, ReceptionTlsSettings
from empath.config.schema.delivery import (
    AdaptationSettings,
    BreakerSettings,
    DeliverySettings,
    DnssecSettings,
    DnsSettings,
    PoolSettings,
    QueueBackend,
    TimeoutSettings,
    WorkerSettings,
)
from empath.config.schema.encryption import TlsOverrideSettings, TlsReportSettings, TlsSettings
from empath.config.schema.keys import Key, walk
from empath.config.schema.lanes import (
    ConnectionRateSettings,
    DomainSettings,
    HeaderRuleSettings,
    PrioritySettings,
    RateLimitSettings,
    SiteSettings,
    WeightSettings,
)
from empath.config.schema.limits import LimitSettings
from empath.config.schema.operators import (
    ApiSettings,
    ApiTlsSettings,
    AuditSettings,
    HealthSettings,
    HttpSettings,
    LiveSettings,
    LogFormat,
    LogLevel,
    LogSettings,
    MetricsSettings,
    OnFull,
    Redaction,
    TracingSettings,
)
from empath.config.schema.outcomes import (
    DsnSettings,
    RetryRuleSettings,
    RetrySettings,
    SuccessReports,
    UncertainAction,
    UncertainSettings,
)
from empath.config.schema.root import ALIASES, Config, Mode, ShutdownSettings, SpoolSettings
from empath.config.schema.smart_host import Mechanism, SmartHostAuthSettings, SmartHostTls
from empath.config.schema.smtp import (
    LOOPBACK,
    FailMode,
    HookSettings,
    ListenerAuth,
    ListenerSettings,
    ListenerTls,
    Profile,
    RelaySettings,
    SmtpSettings,
)
from empath.config.units import HostPort, IPAddress, IPNetwork, Period, Rate
from empath.mail.priority import Priority
from empath.policy.encryption.tls import TlsPolicy

__all__ = [
    "ALIASES",
    "LOOPBACK",
    "AdaptationSettings",
    "ApiSettings",
    "ApiTlsSettings",
    "AuditSettings",
    "AuthSettings",
    "BreakerSettings",
    "CaptureSettings",
    "CertificateSettings",
    "Config",
    "ConnectionRateSettings",
    "DeliverySettings",
    "DnsSettings",
    "DnssecSettings",
    "DomainSettings",
    "DsnSettings",
    "FailMode",
    "HeaderRuleSettings",
    "HealthSettings",
    "HookSettings",
    "HostPort",
    "HttpSettings",
    "IPAddress",
    "IPNetwork",
    "Key",
    "LimitSettings",
    "ListenerAuth",
    "ListenerSettings",
    "ListenerTls",
    "LiveSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "Mechanism",
    "MetricsSettings",
    "Mode",
    "OnFull",
    "Period",
    "PoolSettings",
    "Priority",
    "PrioritySettings",
    "Profile",
    "QueueBackend",
    "Rate",
    "RateLimitSettings",
    "ReceptionTlsSettings",
    "Redaction",
    "RelaySettings",
    "RetryRuleSettings",
    "RetrySettings",
    "ShutdownSettings",
    "SiteSettings",
    "SmartHostAuthSettings",
    "SmartHostTls",
    "SmtpSettings",
    "SpoolSettings",
    "SuccessReports",
    "TimeoutSettings",
    "TlsOverrideSettings",
    "TlsPolicy",
    "TlsReportSettings",
    "TlsSettings",
    "TracingSettings",
    "UncertainAction",
    "UncertainSettings",
    "WeightSettings",
    "WorkerSettings",
    "walk",
]
