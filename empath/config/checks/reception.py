"""Checks of who may send what through us, and of what is listened on."""

import ipaddress
from collections.abc import Iterator
from itertools import combinations

from empath.config.checks.finding import UNSPECIFIED, Finding, Subject, below_rfc, no_effect
from empath.config.faults import Code
from empath.config.kinds import everybody
from empath.config.places import KeyPath, dotted
from empath.config.schema import IPNetwork, ListenerTls
from empath.config.units import format_duration, is_everybody
from empath.world.endpoint import TcpEndpoint


def open_relay(subject: Subject) -> Iterator[Finding]:
    """Networks that are the whole Internet, put together; one alone has been refused before."""
    networks = subject.config.relay.from_networks
    v4 = ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv6Network))
    together: list[IPNetwork] = [*v4, *v6]
    if any(map(is_everybody, together)):
        refusal = everybody("these networks together are everybody")
        yield Finding(
            code=refusal.code,
            about=(("relay", "from_networks"),),
            what=refusal.what,
            why=refusal.why,
            remedy=refusal.remedy,
        )


def listeners(subject: Subject) -> Iterator[Finding]:
    """No listener at all, and TLS without certificate or the other way round."""
    key: KeyPath = ("smtp", "listeners")
    if not subject.config.smtp.listeners:
        why, remedy = "mail could not come in", 'add [[smtp.listeners]] with listen_addr = "127.0.0.1:1025"'
        yield Finding(code=Code.MISSING, about=(key,), what="there is no listener", why=why, remedy=remedy)
    for index, listener in enumerate(subject.config.smtp.listeners):
        files = {"cert_file": listener.starttls.cert_file, "key_file": listener.starttls.key_file}
        for name, file in files.items():
            about: tuple[KeyPath, ...] = ((*key, index, "starttls", name), (*key, index, "tls"))
            if listener.tls is not ListenerTls.NONE and file is None:
                what = f'not set, and tls = "{listener.tls.value}" needs it'
                remedy = "set both cert_file and key_file"
                yield Finding(
                    code=Code.MISSING, about=about, what=what, why="TLS starts with a certificate", remedy=remedy
                )
            if listener.tls is ListenerTls.NONE and file is not None:
                what, why = 'set, and tls = "none"', "the listener would look safe in the file and speak in clear"
                remedy = 'set tls = "starttls" or "implicit", or leave the file out'
                yield Finding(code=Code.CONTRADICTION, about=about, what=what, why=why, remedy=remedy)


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
    for name, timeout_s in (("command_timeout", limit.command_timeout_s), ("data_timeout", limit.data_timeout_s)):
        if timeout_s > limit.session_timeout_s:
            yield from no_effect(subject, (*key, name), (*key, "session_timeout"))
