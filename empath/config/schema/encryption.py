"""Settings of TLS towards next hops: ``[delivery.tls]``."""

from pathlib import Path

from attrs import frozen

from empath.config.kinds import DOMAIN, FILE
from empath.config.schema.keys import choice, count, duration, flag, optional, several, size, tables
from empath.policy.encryption.tls import TlsPolicy
from empath.smtp.address import Domain


@frozen(kw_only=True)
class TlsOverrideSettings:
    """``[[delivery.tls.domain_overrides]]``: one policy for several recipient domains."""

    domains: tuple[Domain, ...] = several(DOMAIN, "which recipient domains it is for; subdomains are not included")
    policy: TlsPolicy = choice(TlsPolicy.REQUIRED, "which TLS policy these domains have")


@frozen(kw_only=True)
class TlsSettings:
    """``[delivery.tls]``: encryption towards next hops."""

    default_policy: TlsPolicy = choice(
        TlsPolicy.OPPORTUNISTIC, "whether TLS is never used, used when offered, or a condition, and what it proves"
    )
    domain_overrides: tuple[TlsOverrideSettings, ...] = tables(TlsOverrideSettings, default=())
    ca_file: Path | None = optional(FILE, "which certificate authorities are trusted besides the system's, as PEM")
    dane: bool = flag(True, "whether hosts must match the TLSA records that their domain has published (RFC 7672)")
    mta_sts: bool = flag(True, "whether the MTA-STS policies that domains have published are obeyed (RFC 8461)")
    mta_sts_timeout_s: float = duration("1m", "how long it may take to fetch an MTA-STS policy")
    mta_sts_max_size_bytes: int = size("64KiB", "how large an MTA-STS policy may be", at_least="1B", at_most="64KiB")
    mta_sts_retry_s: float = duration("5m", "how long after a failed fetch of an MTA-STS policy the next one may begin")
    mta_sts_policies: int = count(10_000, "how many MTA-STS policies are kept; the one used longest ago is forgotten")
    remember_broken_s: float = duration(
        "1h",
        "how long a host whose handshake has failed gets mail in clear at once, where the policy has clear text then",
        at_least="0",
    )
    max_broken_hosts: int = count(10_000, "how many such hosts are remembered; the oldest is forgotten")
