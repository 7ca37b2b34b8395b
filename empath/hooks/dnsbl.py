"""The hook ``dnsbl``: refuses clients that a DNS list names (RFC 5782).

All zones are asked at once. One that lists the client decides; if none does, and one could not be asked, the hook has
failed and its fail mode decides. Answers are remembered by the resolver, for their TTL and ``delivery.dns.cache_ttl``.

Why at RCPT unless told otherwise: mail to postmaster can then still come in, so that who is listed by mistake can say
so (RFC 5321 4.5.1); and who has logged in is not asked about, since people send from addresses that such lists name.
Why no text of the list's own in the reply: a stranger's TXT record would be a second question for each refusal.
"""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import ClassVar, Final

import trio
from attrs import define, field, frozen

from empath.config.faults import Code
from empath.config.kinds import Kind
from empath.config.refusal import Refusal, quoted
from empath.config.schema.keys import choice, several
from empath.config.units import IPNetwork, UnitError, parse_domain, parse_network
from empath.hooks.answers import Answer, Refuse
from empath.hooks.events import hookimpl
from empath.hooks.values import SessionFacts
from empath.policy.reception.dnsbl import Zone
from empath.policy.reception.prefix import IPAddress, client_address
from empath.smtp import Rcpt, Reply
from empath.world.errors import DnsTemporary, NoData, NoSuchDomain
from empath.world.ports import Resolver, World

# What is never reached from the Internet, so that no list can know it: RFC 1122 3.2.1.3, 1918, 3927, 6598, 4193, 4291.
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
            *("::1/128", "fc00::/7", "fe80::/10"),
        ),
    )
)


def _zone(text: str) -> Zone:
    try:
        zone = Zone.parse(text)
    except ValueError as error:
        raise UnitError(f"{quoted(text)} is not a list: {error}") from None
    parse_domain(zone.name)
    return zone


ZONE: Final = Kind(
    noun="a DNS list",
    grammar="it is a domain name, and the codes that count behind = where not all do",
    example='"bl.example=127.0.0.2 127.0.0.4/30"',
    types=(str,),
    convert=_zone,
    show=lambda zone: quoted(zone.name),
)
NETWORK: Final = Kind(
    noun="a network",
    grammar="a network is an address with the length of its prefix, or one address",
    example='"192.0.2.0/24"',
    types=(str,),
    convert=parse_network,
    show=quoted,
)


class Stage(Enum):
    """When the lists are asked."""

    CONNECT = "connect"
    RCPT = "rcpt"


@frozen(kw_only=True)
class DnsblSettings:
    """``[smtp.hooks.settings]`` of the hook ``dnsbl``."""

    zones: tuple[Zone, ...] = several(ZONE, "which DNS lists are asked")
    stage: Stage = choice(Stage.RCPT, "whether a client is refused instead of the greeting, or for each recipient")
    exempt: tuple[IPNetwork, ...] = several(
        NETWORK, "from which networks clients are never looked up", default=_NOT_PUBLIC
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a hook that would ask nobody."""
        if not self.zones:
            why, remedy = "without a list the hook does nothing", 'write it like zones = ["zen.example.org"]'
            raise Refusal(Code.MISSING, "not set", why=why, remedy=remedy, at=("zones",))


@define(eq=False)
class Dnsbl:
    """See the module."""

    Settings: ClassVar = DnsblSettings

    settings: DnsblSettings = field(kw_only=True)
    world: World = field(kw_only=True)

    @hookimpl
    async def on_connect(self, session: SessionFacts) -> Answer:
        """Ask now, if this is the stage."""
        return await self._judge(session, code=554) if self.settings.stage is Stage.CONNECT else None

    @hookimpl
    async def on_rcpt(self, session: SessionFacts, rcpt: Rcpt) -> Answer:
        """Ask now, if this is the stage, for a client that is unknown and a recipient that is not postmaster."""
        postmaster = rcpt.forward_path.local.lower() == b"postmaster"
        if self.settings.stage is not Stage.RCPT or postmaster or session.login is not None:
            return None
        return await self._judge(session, code=550)

    async def _judge(self, session: SessionFacts, *, code: int) -> Answer:
        address = client_address(session.client_ip)
        if address is None or any(address in network for network in self.settings.exempt):
            return None
        found = await look_up(self.settings.zones, address, self.world.resolver)
        return None if found is None else Refuse(Reply(code, f"{address} is listed by {found.name}", "5.7.1"))


async def look_up(zones: tuple[Zone, ...], address: IPAddress, resolver: Resolver) -> Zone | None:
    """Ask all zones at once: the first, in their order, that lists the address. None: no zone does.

    Raises DnsTemporary if none does and at least one could not be asked, or declined to answer.
    """
    answers: dict[str, tuple[str, ...] | DnsTemporary] = {}

    async def ask(zone: Zone) -> None:
        answers[zone.name] = await _records(resolver, zone.question(address))

    async with trio.open_nursery() as nursery:
        for zone in zones:
            nursery.start_soon(ask, zone)
    problem: DnsTemporary | None = None
    for zone in zones:
        answer = answers[zone.name]
        if isinstance(answer, DnsTemporary):
            problem = answer
        elif zone.lists(answer):
            return zone
        elif zone.declines(answer):
            problem = DnsTemporary(zone.name, "this list does not answer our resolver: see the terms of its operator")
    if problem is not None:
        raise problem
    return None


async def _records(resolver: Resolver, name: str) -> tuple[str, ...] | DnsTemporary:
    try:
        return (await resolver.a(name)).records
    except (NoData, NoSuchDomain):
        return ()
    except DnsTemporary as problem:
        return problem
