"""Settings of the receiving side: ``[smtp]`` and ``[relay]``."""

import ipaddress
from enum import Enum
from pathlib import Path
from typing import Final

from attrs import frozen

from empath.config.kinds import CLIENT_NETWORK, DOMAIN, ENDPOINT, FILE
from empath.config.schema.keys import choice, count, duration, optional, several, size, table, tables, value
from empath.config.units import IPNetwork
from empath.smtp.address import Domain
from empath.world.endpoint import TcpEndpoint

LOOPBACK: Final[tuple[IPNetwork, ...]] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
_SANDBOX_LISTENER: Final = TcpEndpoint("127.0.0.1", 1025)


class Profile(Enum):
    """What a listener is for."""

    RELAY = "relay"


class ListenerTls(Enum):
    """How a listener comes to TLS."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@frozen(kw_only=True)
class CertificateSettings:
    """``starttls``: the certificate of a listener. Both files or neither."""

    cert_file: Path | None = optional(FILE, "where the certificate with its chain lies, as PEM", needs_restart=True)
    key_file: Path | None = optional(FILE, "where the private key of the certificate lies, as PEM", needs_restart=True)


@frozen(kw_only=True)
class ListenerSettings:
    """``[[smtp.listeners]]``: one address that is listened on."""

    listen_addr: TcpEndpoint = value(
        ENDPOINT, _SANDBOX_LISTENER, "where SMTP is listened for; port 0 lets the system choose", needs_restart=True
    )
    profile: Profile = choice(
        Profile.RELAY,
        "what the listener is for",
        not_built={
            "mx": "listener profiles come with the complete reception side",
            "submission": "listener profiles come with the complete reception side",
        },
        needs_restart=True,
    )
    tls: ListenerTls = choice(
        ListenerTls.NONE,
        "whether TLS is offered by STARTTLS (RFC 3207), spoken from the first octet (RFC 8314), or neither",
        needs_restart=True,
    )
    starttls: CertificateSettings = table(CertificateSettings)
    max_message_size_bytes: int = size(
        "25MiB", "how large a message may be; announced by SIZE (RFC 1870)", at_least="1B", needs_restart=True
    )


@frozen(kw_only=True)
class LimitSettings:
    """``[smtp.limits]``: what one session, and all of them, may ask for."""

    max_recipients: int = count(1000, "how many recipients a transaction may have; the next is answered 452")
    max_errors: int = count(20, "how many refused commands a session may send before it is closed with 421")
    max_hops: int = count(50, "how many Received fields a message may carry before it counts as looping (5.4.6)")
    max_line_bytes: int = size(
        "64KiB",
        "how long a line of text in a message may be (RFC 5321 4.5.3.1.6); longer ones are refused",
        at_least="1000B",
    )
    max_connections: int = count(1000, "how many sessions may be open at once; the next is answered 421")
    max_connections_per_ip: int = count(50, "how many of the sessions may come from one address")
    command_timeout_s: float = duration("5m", "how long a client may take for one whole command (RFC 5321 4.5.3.2.7)")
    data_timeout_s: float = duration("3m", "how long a client may pause inside a message")
    session_timeout_s: float = duration("1h", "how long a session may last in all")


@frozen(kw_only=True)
class SmtpSettings:
    """``[smtp]``: where mail comes in."""

    listeners: tuple[ListenerSettings, ...] = tables(ListenerSettings, default=(ListenerSettings(),))
    limits: LimitSettings = table(LimitSettings)


@frozen(kw_only=True)
class RelaySettings:
    """``[relay]``: who may send where. What neither key allows is refused."""

    from_networks: tuple[IPNetwork, ...] = several(
        CLIENT_NETWORK, "from which networks clients may send to any recipient", default=LOOPBACK
    )
    domains: tuple[Domain, ...] = several(
        DOMAIN, "for which recipient domains anybody may send; subdomains are not included"
    )
