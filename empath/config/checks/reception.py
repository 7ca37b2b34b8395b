"""Checks of what is listened on, and of limits."""

from collections.abc import Iterator
from itertools import combinations

from empath.config.checks.finding import UNSPECIFIED, Finding, Subject, below_rfc, no_effect
from empath.config.faults import Code
from empath.config.places import KeyPath, dotted
from empath.config.units import format_duration
from empath.world.endpoint import TcpEndpoint


def listeners(subject: Subject) -> Iterator[Finding]:
    """No listener at all."""
    key: KeyPath = ("smtp", "listeners")
    if not subject.config.smtp.listeners:
        why, remedy = "mail could not come in", 'add [[smtp.listeners]] with listen_addr = "127.0.0.1:1025"'
        yield Finding(code=Code.MISSING, about=(key,), what="there is no listener", why=why, remedy=remedy)


def addresses(subject: Subject) -> Iterator[Finding]:
    """One address and port for two listeners; sections that speak HTTP share one server if they are equal."""
    config = subject.config
    smtp: list[tuple[KeyPath, TcpEndpoint]] = [
        (("smtp", "listeners", index, "listen_addr"), listener.listen_addr)
        for index, listener in enumerate(config.smtp.listeners)
    ]
    sections = (("metrics", config.metrics), ("health", config.health), ("api", config.api))
    http: list[tuple[KeyPath, TcpEndpoint]] = [
        ((name, "listen_addr"), section.listen_addr) for name, section in sections if section.enabled
    ]
    for (key, address), (other_key, other) in combinations([*http, *smtp], 2):
        shared = address == other and key in dict(http) and other_key in dict(http)
        if _overlap(address, other) and not shared:
            yield Finding(
                code=Code.CONTRADICTION,
                about=(other_key, key),
                what=f"{other} is taken by {address} of {dotted(key)}",
                why="the system gives an address and port to one listener",
                remedy="change the port of one of them",
            )


def _overlap(one: TcpEndpoint, other: TcpEndpoint) -> bool:
    if one.port != other.port or one.port == 0 or one.is_ipv6 != other.is_ipv6:
        return False
    return one.host == other.host or bool({one.host, other.host} & UNSPECIFIED)


def limits(subject: Subject) -> Iterator[Finding]:
    """Limits that RFC 5321 has a minimum for, and those that another limit makes useless."""
    key: KeyPath = ("smtp", "limits")
    limit = subject.config.smtp.limits
    if limit.max_recipients < 100:
        yield below_rfc((*key, "max_recipients"), str(limit.max_recipients), "100", "4.5.3.1.8")
    if limit.command_timeout_s < 300:
        yield below_rfc((*key, "command_timeout"), format_duration(limit.command_timeout_s), "5m", "4.5.3.2.7")
    if limit.max_connections_per_ip > limit.max_connections:
        yield from no_effect(subject, (*key, "max_connections_per_ip"), (*key, "max_connections"))
    elif limit.max_connections_per_ip > (limit.max_connections_per_prefix or limit.max_connections):
        yield from no_effect(subject, (*key, "max_connections_per_ip"), (*key, "max_connections_per_prefix"))
    if limit.error_delay_after >= limit.max_errors and limit.error_delay_s:
        yield from no_effect(subject, (*key, "error_delay_after"), (*key, "max_errors"))
    for name, timeout_s in (("command_timeout", limit.command_timeout_s), ("data_timeout", limit.data_timeout_s)):
        if timeout_s > limit.session_timeout_s:
            yield from no_effect(subject, (*key, name), (*key, "session_timeout"))
