"""Checks of how next hops are found and reached: what DNS is believed, and which addresses connect to which."""

from collections.abc import Iterator
from typing import Final

from empath.config.checks.finding import Finding, Subject, own_tables
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.schema import HostPort
from empath.policy.approach import Approach, IpPreference
from empath.smtp.address import Domain

_DNS: Final[KeyPath] = ("delivery", "dns")
_ENFORCE: Final[KeyPath] = (*_DNS, "dnssec", "enforce")


def dnssec(subject: Subject) -> Iterator[Finding]:
    """A proof that is asked for, of somebody who is not asked or not believed."""
    dns = subject.config.delivery.dns
    if not dns.dnssec.enforce:
        return
    why = "all mail to other hosts would wait, and be returned in the end"
    if not dns.dnssec.enabled:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(_ENFORCE, (*_DNS, "dnssec", "enabled")),
            what="= true, while dnssec.enabled = false",
            why=why,
            remedy="set dnssec.enabled = true, or leave dnssec.enforce out",
        )
    far = [str(server) for server in dns.servers if not server.is_loopback]
    if far and not dns.trust_ad:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(_ENFORCE, (*_DNS, "servers"), (*_DNS, "trust_ad")),
            what=f"= true, and what {', '.join(far)} says of DNSSEC is not believed",
            why=why,
            remedy="run a validating resolver on this machine, or set dns.trust_ad = true if the way to it is safe",
        )


def families(subject: Subject) -> Iterator[Finding]:
    """IP versions that are wanted of one end of a connection and not there at the other."""
    delivery = subject.config.delivery
    yield from _ends(("delivery",), Approach(port=0, ip=delivery.ip, sources=delivery.source or ()))
    if delivery.smart_host is not None:
        yield from _named(("delivery", "smart_host"), delivery.smart_host, delivery.ip, delivery.source)
    for table, own in own_tables(delivery):
        ip = delivery.ip if own.ip is None else own.ip
        source = delivery.source if own.source is None else own.source
        if own.ip is not None or own.source is not None:
            yield from _ends(table, Approach(port=0, ip=ip, sources=source or ()))
        if own.mx_override is not None:
            yield from _named((*table, "mx_override"), own.mx_override, ip, source)


def _ends(table: KeyPath, approach: Approach) -> Iterator[Finding]:
    if not approach.families:
        yield Finding(
            code=Code.CONTRADICTION,
            about=((*table, "source"), (*table, "ip")),
            what=f'{" and ".join(approach.sources)} cannot be used while ip = "{approach.ip.value}"',
            why="a connection has the same IP version at both ends, so that no host could be reached",
            remedy=f"add an IP{approach.ip.value} address to source, or allow the other version with ip",
        )


def _named(key: KeyPath, hop: HostPort, ip: IpPreference, source: tuple[str, ...] | None) -> Iterator[Finding]:
    usable = Approach(port=0, ip=ip, sources=source or ()).families
    if usable and not isinstance(hop.host, Domain) and hop.host.version not in usable:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(key, ("delivery", "ip"), ("delivery", "source")),
            what=f"{hop} has an IPv{hop.host.version} address, and ip or source leave only IPv{usable[0]} for it",
            why="all mail for it would be returned",
            remedy="name the host by an address of the other version, or allow this one with ip and source",
        )
