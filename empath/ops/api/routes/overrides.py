"""Hosts that get the mail of a domain, whatever DNS says: ``/dns/overrides``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Protocol

import msgspec
import trio
from attrs import frozen

from empath.config.schema import DeliverySettings
from empath.config.units import UnitError, parse_duration
from empath.mail.quoting import plain
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing, Why
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.policy.steering import OperatorRule


class DnsOverride(msgspec.Struct, frozen=True, kw_only=True):
    """A domain whose mail goes where configuration or an operator says."""

    schema: Literal["empath.dns-override/1"] = "empath.dns-override/1"
    domain: str
    next_hop: str
    by: str = "configuration"
    reason: str = ""
    id: str | None = None
    """Of the decision; None: configuration says so."""
    expires: float | None = None
    """Wall clock; None: it does not end by itself."""


class NextHop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"duration": "for"}):
    """Where the mail is to go, why, and for how long."""

    next_hop: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    """A host, with its port if that is not the usual one."""
    reason: str = ""
    duration: str | None = None
    """None: until somebody ends it."""


class NextHops(Protocol):
    """Who keeps next hops that operators name."""

    @property
    def configured(self) -> DeliverySettings:
        """What configuration says."""

    def rules(self) -> Iterable[OperatorRule]:
        """What operators have decided."""

    async def name(self, domain: str, next_hop: str, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Send the mail of a domain to a host. A ValueError says what is wrong with them."""

    async def forget(self, domain: str, *, by: str, why: str = "") -> OperatorRule | None:
        """Send it where it went before; None: nobody has decided anything about it."""


class DnsOverrides(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    schema: Literal["empath.dns-overrides/1"] = "empath.dns-overrides/1"
    overrides: tuple[DnsOverride, ...]


@frozen(kw_only=True)
class OverrideRoutes:
    """See the module."""

    hops: NextHops

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/dns/overrides", self._overrides, Scope.READ),
            route("PUT", "/dns/overrides/{domain}", self._override, Scope.OPERATE),
            route("DELETE", "/dns/overrides/{domain}", self._lift, Scope.OPERATE),
        )

    async def _overrides(self, call: Call[Nothing, Nothing]) -> DnsOverrides:
        """List the domains whose mail goes where configuration or an operator says, whatever DNS does."""
        await trio.lowlevel.checkpoint()
        found = {
            domain.ascii: DnsOverride(domain=domain.ascii, next_hop=str(own.mx_override))
            for domain, own in self.hops.configured.domains.items()
            if own.mx_override is not None
        }
        found |= {one.domain: one for one in map(_override, self.hops.rules())}
        return DnsOverrides(overrides=tuple([found[domain] for domain in sorted(found)]))

    async def _override(self, call: Call[Nothing, NextHop]) -> DnsOverride:
        """Send the mail of a domain to a host, whatever DNS and configuration say; also what waits here.

        It survives a restart. An earlier decision about the domain goes.
        """
        said, domain = call.content, call.names["domain"]
        try:
            for_s = None if said.duration is None else parse_duration(said.duration)
            why = plain(said.reason, utf8=True)
            rule = await self.hops.name(domain, said.next_hop, by=call.who.name, why=why, for_s=for_s)
        except (ValueError, UnitError) as error:
            why, remedy = "mail must not go where nobody means it to, so nothing was changed", "host.example:25, or 2h"
            raise Problem(422, Code.RULE, f"this cannot be decided: {error}", why=why, remedy=remedy) from None
        return _override(rule)

    async def _lift(self, call: Call[Why, Nothing]) -> DnsOverride:
        """Send the mail of a domain where it went before somebody named a host for it."""
        domain = call.names["domain"]
        rule = await self.hops.forget(domain, by=call.who.name, why=call.query.words)
        if rule is None:
            why = "nobody has named a host for it, or its time is over; what configuration names is changed there"
            what = f"there is no override of {domain[:100]}"
            raise Problem(404, Code.NO_LANE, what, why=why, remedy="see `empathctl dns override list`")
        return _override(rule)


def _override(rule: OperatorRule) -> DnsOverride:
    return DnsOverride(
        domain=rule.scope.domain or "",
        next_hop=rule.next_hop or "",
        by=rule.by,
        reason=rule.why,
        id=rule.id,
        expires=rule.until,
    )
