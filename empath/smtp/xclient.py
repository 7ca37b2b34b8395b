"""XCLIENT: what a trusted client says of the client that it speaks for (Postfix's XCLIENT_README).

``command`` reads the line into names and values; this file knows what they mean. A value says something, or that it
cannot be said (``[UNAVAILABLE]``, ``[TEMPUNAVAIL]``); an attribute that is left out leaves what is known as it is. Who
may say XCLIENT at all is for the owner of the server to decide, by the address that the connection really has: what
XCLIENT said before must not count there.

As in Postfix, a login and a way of introduction are forgotten by an XCLIENT that does not repeat them: they belong to
one client, and the next line may be about another one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final, TypeVar

from attrs import evolve, frozen

from empath.smtp import grammar
from empath.smtp.events import Xclient
from empath.smtp.reply import Reply

T = TypeVar("T")

ATTRIBUTES: Final = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")
OFFER: Final = " ".join(("XCLIENT", *ATTRIBUTES))
"""The line of an EHLO answer."""
MAX_LOGIN_OCTETS: Final = 255
"""As the names in HELO and NAME: a login goes into records and logs."""

_UNAVAILABLE: Final = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})


@frozen(kw_only=True)
class Introduction:
    """What is known of a client by the word of another one. None: unknown, or not said."""

    ip: str | None = None
    port: int | None = None
    name: str | None = None
    """Its host name, as the other one found it in DNS."""
    hello: str | None = None
    """What it called itself in HELO or EHLO."""
    esmtp: bool | None = None
    """Whether that was EHLO."""
    login: str | None = None
    """Who it has proved to be."""
    server_ip: str | None = None
    server_port: int | None = None


def introduce(command: Xclient, known: Introduction) -> Introduction | Reply:
    """What is known after ``command``, or the 501 that refuses all of it.

    An attribute that is not known here is refused, too: to pass over it would be to take one client for another.
    """
    known = evolve(known, hello=None, esmtp=None, login=None)
    seen: set[str] = set()
    for name, value in command.attributes:
        if name not in _READERS or name in seen:
            return Reply(501, "an attribute that is not offered, or given twice", "5.5.4")
        seen.add(name)
        try:
            known = _READERS[name](known, None if value.upper() in _UNAVAILABLE else value)
        except ValueError:
            return Reply(501, f"a malformed value of {name}", "5.5.4")
    return known


def names_login(command: Xclient) -> bool:
    """Whether the client that is spoken of has proved who it is."""
    return any(name == "LOGIN" and value.upper() not in _UNAVAILABLE for name, value in command.attributes)


def _unless_none(read: Callable[[str], T], value: str | None) -> T | None:
    return None if value is None else read(value)


def _ip(value: str) -> str:
    tag, colon, rest = value.partition(":")
    if tag.upper() != "IPV6":
        return str(ipaddress.IPv4Address(value))
    ip = ipaddress.IPv6Address(rest if colon and "%" not in rest else "")
    return str(ip.ipv4_mapped or ip)


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 5 or int(value) > 0xFFFF:
        raise ValueError(value)
    return int(value)


def _name(value: str) -> str:
    if grammar.HELLO_NAME.fullmatch(value.encode()) is None:
        raise ValueError(value)
    return value


def _esmtp(value: str) -> bool:
    return ("SMTP", "ESMTP").index(value.upper()) == 1


def _login(value: str) -> str:
    if not 0 < len(value) <= MAX_LOGIN_OCTETS:
        raise ValueError(value)
    return value


_READERS: Final[dict[str, Callable[[Introduction, str | None], Introduction]]] = {
    "NAME": lambda known, value: evolve(known, name=_unless_none(_name, value)),
    "ADDR": lambda known, value: evolve(known, ip=_unless_none(_ip, value)),
    "PORT": lambda known, value: evolve(known, port=_unless_none(_port, value)),
    "PROTO": lambda known, value: evolve(known, esmtp=_unless_none(_esmtp, value)),
    "HELO": lambda known, value: evolve(known, hello=_unless_none(_name, value)),
    "LOGIN": lambda known, value: evolve(known, login=_unless_none(_login, value)),
    "DESTADDR": lambda known, value: evolve(known, server_ip=_unless_none(_ip, value)),
    "DESTPORT": lambda known, value: evolve(known, server_port=_unless_none(_port, value)),
}
"""What each attribute changes. None is a value that cannot be said; a ValueError: one that is none."""
