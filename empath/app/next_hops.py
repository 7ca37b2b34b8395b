"""Next hops that operators name for a time: the mail of a domain goes there, whatever DNS and configuration say.

Such a decision is a rule like a suspension, and is kept like one. It holds by being laid over the configuration, as
``delivery.domains."...".mx_override``; so everything that hangs on that key, lanes and TLS among it, follows.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from empath.app.assembly import Assembly
from empath.config.schema import DeliverySettings
from empath.config.units import parse_host
from empath.policy.steering import OperatorRule, RuleKind, Scope
from empath.smtp import AddressError, Domain


@frozen
class NextHops:
    """See the module."""

    _assembly: Assembly

    @property
    def configured(self) -> DeliverySettings:
        """What configuration says at the moment."""
        return self._assembly.config.delivery

    def rules(self) -> Iterable[OperatorRule]:
        """The decisions that are in force, the oldest first."""
        return self._assembly.sending.control.rules(RuleKind.ROUTE)

    async def name(self, domain: str, next_hop: str, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Send the mail of a domain to a host. An earlier decision about it goes. A ValueError: one of them is none."""
        try:
            name = Domain.parse(domain.rstrip("."))
        except AddressError as problem:
            raise ValueError(f"{domain[:100]!r} is not a domain: {problem}") from None
        hop = str(parse_host(next_hop))
        control = self._assembly.sending.control
        before = self._of(name.ascii)
        rule = control.new_rule(RuleKind.ROUTE, Scope(domain=name.ascii), by=by, why=why, for_s=for_s, next_hop=hop)
        await control.put(rule)
        if before is not None:
            await control.end(before.id, by=by)
        return rule

    async def forget(self, domain: str, *, by: str, why: str = "") -> OperatorRule | None:
        """Send its mail where it went before; None: nobody has decided anything about it."""
        rule = self._of(domain.rstrip(".").lower())
        return None if rule is None else await self._assembly.sending.control.end(rule.id, by=by, why=why)

    def _of(self, domain: str) -> OperatorRule | None:
        return next((rule for rule in self.rules() if rule.scope.domain == domain), None)
