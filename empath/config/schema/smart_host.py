"""Settings of logging in to the smart host: ``[delivery.smart_host_auth]``."""

from enum import Enum
from pathlib import Path
from typing import Final

from attrs import frozen

from empath.config.kinds import FILE, Kind
from empath.config.refusal import quoted
from empath.config.schema.keys import choice, optional
from empath.config.units import UnitError


def _login_name(raw: str) -> str:
    if not raw or not raw.isprintable():
        raise UnitError(f"{quoted(raw)} is not a login name")
    return raw


_LOGIN_NAME: Final = Kind(
    noun="a login name",
    grammar="it is what the host knows us by, often an address, without control characters",
    example='"ann@example.org"',
    types=(str,),
    convert=_login_name,
    show=quoted,
)


class SmartHostTls(Enum):
    """How a connection to the smart host comes to TLS."""

    AUTO = "auto"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class Mechanism(Enum):
    """How we prove who we are (RFC 4954)."""

    AUTO = "auto"
    PLAIN = "plain"
    LOGIN = "login"
    XOAUTH2 = "xoauth2"


@frozen(kw_only=True)
class SmartHostAuthSettings:
    """``[delivery.smart_host_auth]``: as whom we log in to the smart host. Never without TLS, nor without its proof."""

    user: str | None = optional(_LOGIN_NAME, "which user of smart_host we log in as; without it we do not log in")
    password_file: Path | None = optional(
        FILE, "which file holds the password, or the access token of xoauth2; it is read anew for each connection"
    )
    mechanism: Mechanism = choice(
        Mechanism.AUTO, "how we log in; auto is PLAIN or LOGIN, whichever the host offers, since a token is no password"
    )
    tls: SmartHostTls = choice(
        SmartHostTls.AUTO, "whether TLS begins with STARTTLS or with the connection; auto is the latter at port 465"
    )
