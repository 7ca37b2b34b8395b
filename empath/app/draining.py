"""Taking a worker out of service without ending it: nothing more is taken in, nothing more attempted, and all of it
can be undone.

Sockets stay open, so that clients hear 421 and come back, instead of finding nobody. Whoever stops the daemon then
interrupts nothing. A drain does not outlive the process: the next one takes and sends mail.
"""

from __future__ import annotations

from attrs import frozen

from empath.app.assembly import Assembly
from empath.policy.steering import OperatorRule, RuleKind, Scope


@frozen
class Draining:
    """See the module."""

    _assembly: Assembly

    @property
    def rule(self) -> OperatorRule | None:
        """The decision that is in force."""
        return self._assembly.sending.control.book.drain

    @property
    def sessions(self) -> int:
        """Sessions that are open."""
        return self._assembly.sessions

    @property
    def jobs(self) -> int:
        """Deliveries in memory. While drained these are the ones that are being attempted."""
        return self._assembly.sending.dispatcher.stock.deliveries

    async def begin(self, *, by: str, why: str) -> OperatorRule:
        """Drain. If that was done already, nothing changes."""
        assembly = self._assembly
        assembly.pause()
        control = assembly.sending.control
        rule = self.rule
        return rule or await control.put(control.new_rule(RuleKind.DRAIN, Scope(), by=by, why=why))

    async def end(self, *, by: str, why: str = "") -> bool:
        """Go on; whether there was anything to undo. A daemon that is stopping is not held up by that."""
        assembly, rule = self._assembly, self.rule
        if rule is None or assembly.shutdown.draining:
            return False
        assembly.resume()
        await assembly.sending.control.end(rule.id, by=by, why=why)
        return True
