"""Settings of the receiving side: ``[smtp]`` and ``[relay]``."""

import ipaddress
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from attrs import frozen

from empath.config.classes import CLASS
from empath.config.kinds import CLIENT_NETWORK, ENDPOINT, FILE, FOREIGN, TEXT, one_of
from empath.config.proxies import PROXY_NETWORK
from empath.config.relaying import ADDRESS, ALIASES, PATTERN, RELAY_DOMAIN, SENDER_DOMAINS
from empath.config.schema.auth import AuthSettings
from empath.config.schema.certificates import CertificateSettings, ReceptionTlsSettings
from empath.config.schema.keys import choice, count, duration, flag, optional, several, size, table, tables, value
from empath.config.schema.limits import LimitSettings
from empath.config.sender_logins import SENDER_LOGINS
from empath.config.units import IPNetwork
from empath.mail.priority import Priority
from empath.policy.reception.access import Pattern
from empath.policy.reception.aliases import AliasName
from empath.policy.reception.logins import SenderRule
from empath.policy.reception.rewriting import SenderDomain
from empath.smtp.address import Address, Domain
from empath.world.endpoint import TcpEndpoint

LOOPBACK: Final[tuple[IPNetwork, ...]] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
_SANDBOX_LISTENER: Final = TcpEndpoint("127.0.0.1", 1025)


class Profile(Enum):
    """What a listener is for."""

    RELAY = "relay"
    """For hosts of ours that hand their mail over."""
    MX = "mx"
    """For other hosts, which bring mail to our domains."""
    SUBMISSION = "submission"
    """For people and programs that write mail (RFC 6409)."""


class ListenerTls(Enum):
    """How a listener comes to TLS."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class ListenerAuth(Enum):
    """Whether clients of a listener log in (RFC 4954)."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@frozen(kw_only=True)
class ListenerSettings:
    """``[[smtp.listeners]]``: one address that is listened on."""

    listen_addr: TcpEndpoint = value(
        ENDPOINT, _SANDBOX_LISTENER, "where SMTP is listened for; port 0 lets the system choose", needs_restart=True
    )
    profile: Profile = choice(
        Profile.RELAY,
        "what the listener is for",
    )
    tls: ListenerTls = choice(
        ListenerTls.NONE,
        "whether TLS is offered by STARTTLS (RFC 3207), spoken from the first octet (RFC 8314), or neither",
    )
    starttls: CertificateSettings = table(CertificateSettings)
    certificates: tuple[CertificateSettings, ...] = tables(CertificateSettings, default=())
    client_ca_file: Path | None = optional(
        FILE,
        "which authorities clients may have a certificate of, as PEM; without it they are asked for none",
    )
    auth: ListenerAuth = choice(
        ListenerAuth.NONE,
        "whether clients can log in, inside TLS and nowhere else, and whether they must before they send",
    )
    users_file: Path | None = optional(FILE, "where the users lie that can log in")
    proxy_protocol_from: tuple[IPNetwork, ...] = several(
        PROXY_NETWORK,
        "from which networks every connection begins with a PROXY header, which says who the client is",
    )
    xclient_from: tuple[IPNetwork, ...] = several(
        PROXY_NETWORK, "from which networks clients may speak for other ones (XCLIENT)"
    )
    priority: Priority | None = optional(CLASS, "which class mail has that comes in here, if nothing else gives it one")
    max_message_size_bytes: int = size(
        "25MiB", "how large a message may be; announced by SIZE (RFC 1870)", at_least="1B"
    )
    require_single_from: bool = flag(
        False, "whether a message with no From field, or with several, is refused (RFC 5322 3.6)"
    )


class FailMode(Enum):
    """What becomes of a client when a hook fails."""

    OPEN = "open"
    """As if there were no such hook."""
    CLOSED = "closed"
    """It is told to come back later."""


@frozen(kw_only=True)
class HookSettings:
    """``[[smtp.hooks]]``: one hook that is asked about sessions and messages before they are accepted."""

    name: str = value(TEXT, "", "which hook it is, by the name under which it is installed")
    settings: Mapping[str, object] = value(FOREIGN, {}, "what the hook itself is told, in keys of its own")
    deadline_s: float = duration("10s", "how long one call of the hook may take")
    fail_mode: FailMode = choice(
        FailMode.OPEN,
        "what becomes of a client when the hook fails: it passes, or is told to come back later (451 4.3.0)",
    )
    failure_threshold: int = count(5, "how many calls in a row may fail slowly before the hook is left alone")
    pause_s: float = duration("10s", "how long a hook is left alone that has failed slowly so often, as if it failed")
    max_concurrent: int = count(50, "how many calls of the hook may run at once; others wait")
    profiles: tuple[Profile, ...] = several(
        one_of(Profile), "for listeners of which profiles the hook is; none means all"
    )
    listeners: tuple[TcpEndpoint, ...] = several(
        ENDPOINT, "for which listeners the hook is, by their listen_addr; none means all"
    )


@frozen(kw_only=True)
class SmtpSettings:
    """``[smtp]``: where mail comes in."""

    listeners: tuple[ListenerSettings, ...] = tables(ListenerSettings, default=(ListenerSettings(),))
    limits: LimitSettings = table(LimitSettings)
    tls: ReceptionTlsSettings = table(ReceptionTlsSettings)
    auth: AuthSettings = table(AuthSettings)
    hooks: tuple[HookSettings, ...] = tables(HookSettings, default=())


@frozen(kw_only=True)
class RelaySettings:
    """``[relay]``: who may send where. What neither key allows is refused."""

    from_networks: tuple[IPNetwork, ...] = several(
        CLIENT_NETWORK, "from which networks clients may send to any recipient", default=LOOPBACK
    )
    domains: tuple[Domain, ...] = several(
        RELAY_DOMAIN, "for which recipient domains anybody may send; subdomains are not included"
    )
    allow_senders: tuple[Pattern, ...] = several(PATTERN, "which senders are taken, and no others; none means all")
    deny_senders: tuple[Pattern, ...] = several(PATTERN, "which senders are refused")
    allow_recipients: tuple[Pattern, ...] = several(
        PATTERN, "which recipients are taken, and no others; none means all that the client may reach"
    )
    deny_recipients: tuple[Pattern, ...] = several(PATTERN, "which recipients are refused")
    aliases: Mapping[AliasName, tuple[Address, ...]] = value(
        ALIASES, {}, "which addresses of ours stand for others, and for which"
    )
    max_alias_recipients: int = count(1000, "how many recipients one address may come to by its aliases")
    postmaster: tuple[Address, ...] = several(
        ADDRESS, "who gets the mail to every postmaster; none: that of the first of relay.domains gets it for this host"
    )
    rewrite_sender_domains: Mapping[SenderDomain, Domain] = value(
        SENDER_DOMAINS, {}, "which domains in senders of known clients are replaced in the envelope, and by which"
    )
    sender_logins: tuple[SenderRule, ...] = value(
        SENDER_LOGINS,
        (),
        "which logins may use a sender; once there is one, no login may use what it is not listed for",
    )
