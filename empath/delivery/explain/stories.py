"""What is told of a lane, of a delivery, and of an address that no message need be for."""

from __future__ import annotations

from attrs import frozen

from empath.delivery.explain.gates import Gate
from empath.delivery.explain.rows import LaneRow
from empath.delivery.explain.tally import Past, Seal
from empath.mail.waiting import Wait
from empath.policy.steering import Asked, OperatorRule
from empath.spool.contract import Row


@frozen
class Stop:
    """One address on the way."""

    host: str
    address: str
    port: int
    source: str | None
    """From which of our addresses; None: the system takes one."""


@frozen(kw_only=True)
class Way:
    """Where mail for a domain goes now."""

    domain: str
    site: str
    next_hop: str | None
    """``host:port`` that configuration names; None: DNS decides."""
    tls: str
    """The TLS policy that configuration has for it."""
    last: Seal | None
    """How the latest connection of its lane was encrypted; None: this process has made none."""
    stops: tuple[Stop, ...]
    """In the order in which they would be tried."""
    trouble: str = ""
    """Why there are none."""


@frozen(kw_only=True)
class LaneExplanation:
    """All that is known of a lane."""

    row: LaneRow
    set_aside: int
    """Deliveries in the spool that wait for room in it."""
    gates: tuple[Gate, ...]
    """Empty: there is no lane now, since there is nothing to send."""
    rules: tuple[OperatorRule, ...]
    """Of operators, that are for this lane or a part of it."""
    asked: tuple[Asked, ...]
    """What its hosts have asked for."""
    actions: tuple[str, ...]
    """What one can do, as commands."""


@frozen(kw_only=True)
class DeliveryExplanation:
    """Why one delivery has not gone yet."""

    row: Row
    site: str
    wait: Wait | None
    """The one reason; None: it has ended, or lies in the trash."""
    max_attempts: int
    expires: float
    """Wall clock. When it is given up at the latest; one that is held does not expire."""
    way: Way | None
    """Where it would go now; None: it goes nowhere any more, or is one of too many."""
    attempts: tuple[Past, ...]
    """The latest ones, as far as this process remembers them, the oldest first."""
    gates: tuple[Gate, ...]
    rules: tuple[OperatorRule, ...]
    actions: tuple[str, ...]


@frozen(kw_only=True)
class AddressExplanation:
    """What would become of a message to this address now."""

    address: str
    way: Way
    lane: LaneExplanation
