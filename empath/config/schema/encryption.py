"""Settings of TLS towards next hops: ``[delivery.tls]``."""

from pathlib import Path

from attrs import frozen

from empath.config.kinds import DOMAIN, FILE
from empath.config.relaying import ADDRESS
from empath.config.schema.keys import choice, count, duration, flag, optional, several, size, table, tables
from empath.policy.encryption.tls import TlsPolicy
from empath.smtp.address import Address, Domain


@frozen(kw_only=True)
class TlsOverrideSettings:
    """``[[delivery.tls.domain_overrides]]``: one policy for several recipient domains."""

    domains: tuple[Domain, ...] = several(DOMAIN, "which recipient domains it is for; subdomains are not included")
    policy: TlsPolicy = choice(TlsPolicy.REQUIRED, "which TLS policy these domains have")


@frozen(kw_only=True)
class TlsReportSettings:
    """``[delivery.tls.report]``: reports on TLS to the domains that ask for them (RFC 8460)."""

    contact: Address | None = optional(
        ADDRESS, "who sends reports on TLS, and answers questions about them; its domain reports. None: there are none"
    )
    max_delay_s: float = duration(
        "4h",
        "how long after midnight (UTC) the reports on a day have gone out; each at a moment of chance",
        at_least="0",
    )
    save_interval_s: float = duration("1m", "how much of what was counted for reports a crash may cost")
    max_results: int = count(
        50_000, "how many policies and kinds of trouble are counted apart for the reports of a day"
    )
    timeout_s: float = duration("1m", "how long a web server may take to accept a report")
    retry_s: float = duration("1h", "how long after a web server or DNS has failed it is tried again for a report")


@frozen(kw_only=True)
class TlsSettings:
    """``[delivery.tls]``: encryption towards next hops."""

    default_policy: TlsPolicy = choice(
        TlsPolicy.OPPORTUNISTIC, "whether TLS is never used, used when offered, or a condition, and what it proves"
    )
    domain_overrides: tuple[TlsOverrideSettings, ...] = tables(TlsOverrideSettings, default=())
    ca_file: Path | None = optional(FILE, "which certificate authorities are trusted besides the system's, as PEM")
    dane: bool = flag(True, "whether hosts must match the TLSA records that their domain has published (RFC 7672)")
    tls_required_header: bool = flag(
        True, "whether `TLS-Required: No` in a message lets it go where a domain's own policy is not met (RFC 8689)"
    )
    mta_sts: bool = flag(True, "whether the MTA-STS policies that domains have published are obeyed (RFC 8461)")
    mta_sts_timeout_s: float = duration("1m", "how long it may take to fetch an MTA-STS policy")
    mta_sts_max_size_bytes: int = size("64KiB", "how large an MTA-STS policy may be", at_least="1B", at_most="64KiB")
    mta_sts_refresh_s: float = duration(
        "1h", "how often it is looked which of the MTA-STS policies that are known are old enough to be fetched anew"
    )
    mta_sts_retry_s: float = duration("5m", "how long after a failed fetch of an MTA-STS policy the next one may begin")
    mta_sts_policies: int = count(10_000, "how many MTA-STS policies are kept; the one used longest ago is forgotten")
    remember_broken_s: float = duration(
        "1h",
        "how long a host whose handshake has failed gets mail in clear at once, where the policy has clear text then",
        at_least="0",
    )
    max_broken_hosts: int = count(10_000, "how many such hosts are remembered; the oldest is forgotten")
    report: TlsReportSettings = table(TlsReportSettings)
