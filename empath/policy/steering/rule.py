"""A decision of an operator: what is to be otherwise, for whom, since when and until when, by whom and why."""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import frozen

CONFIGURED: Final = "fz-0"
"""The freeze that configuration asks for. Each start asks for it anew."""


class RuleKind(Enum):
    """What a rule does. The value is the beginning of its name, and its kind in the spool."""

    SUSPENSION = "sd"
    """Nothing is attempted, of what is here and of what comes."""
    OVERLAY = "ov"
    """Other limits."""
    BREAKER = "br"
    """The breaker of a lane is open."""
    FREEZE = "fz"
    """Nothing at all is attempted on this node."""
    ROUTE = "rt"
    """The mail of a domain goes to a host that is named."""
    DRAIN = "dr"
    """Nothing is attempted and nothing is taken in, since the daemon is to be stopped. It does not outlive that."""

    __hash__ = object.__hash__


@frozen(kw_only=True)
class Scope:
    """Which deliveries a rule is for. All that is set must be so; what is None sets nothing."""

    lane: str | None = None
    """The key of a site."""
    domain: str | None = None
    """A recipient domain, as A-labels in lower case."""
    sender: str | None = None
    """A reverse-path; ASCII letters of either case are the same. Empty: the null reverse-path."""

    @property
    def is_everything(self) -> bool:
        """Whether it sets nothing."""
        return self.lane is None and self.domain is None and self.sender is None

    @property
    def is_partial(self) -> bool:
        """Whether it may be for a part of what a lane has."""
        return self.domain is not None or self.sender is not None

    def covers(self, site: str) -> bool:
        """Whether it is for all that a lane can have. A site that DNS routes has its only domain as its key."""
        return self.sender is None and self.lane in (None, site) and self.domain in (None, site)

    def touches(self, site: str, domain: str, sender: str) -> bool:
        """Whether it is for a delivery of this kind."""
        return (
            self.lane in (None, site)
            and self.domain in (None, domain)
            and (self.sender is None or self.sender.lower() == sender.lower())
        )

    def __str__(self) -> str:
        """What it says, in the words of the commands."""
        named = {"lane": self.lane, "domain": self.domain, "sender": self.sender}
        return " ".join(f"{name} {value or '<>'}" for name, value in named.items() if value is not None) or "everything"


@frozen(kw_only=True)
class OperatorRule:
    """One rule. Moments are wall clock, seconds since 1970."""

    id: str
    """``sd-4``: by which it is ended."""
    kind: RuleKind
    scope: Scope
    by: str
    """Who wants it."""
    why: str
    created: float
    until: float | None
    """None: until somebody ends it."""
    rate_per_s: float | None = None
    """Of an overlay: messages per second of each lane that it covers; None: as before."""
    next_hop: str | None = None
    """Of a route: the host, with its port if that is not the usual one."""
    connections: int | None = None
    """Of an overlay: connections of each lane that it covers; None: as before."""

    @property
    def is_kept(self) -> bool:
        """Whether it is for processes to come as well."""
        return self.kind is not RuleKind.DRAIN and self.id != CONFIGURED

    @property
    def terms(self) -> str:
        """What of an overlay or a route holds, in the words of the commands; empty: it is neither."""
        if self.next_hop is not None:
            return f"to={self.next_hop}"
        rate = f"rate={self.rate_per_s * 60:g}/min" if self.rate_per_s is not None else ""
        connections = f"conns={self.connections}" if self.connections is not None else ""
        return " ".join(filter(None, (rate, connections)))

    def remaining_s(self, now: float) -> float | None:
        """For how long it still holds, by a wall clock that may have been set; None: for ever.

        No longer than it was meant to from the beginning.
        """
        return None if self.until is None else max(0.0, min(self.until - now, self.until - self.created))

    def __str__(self) -> str:
        """The rule and its reason, for people: the detail of what waits for it."""
        return f"{self.id} by {self.by}: {self.why}" if self.why else f"{self.id} by {self.by}"


def configured_freeze(now: float) -> OperatorRule:
    """The rule that ``delivery.frozen`` asks for."""
    by, why = "configuration", "delivery.frozen is set"
    return OperatorRule(id=CONFIGURED, kind=RuleKind.FREEZE, scope=Scope(), by=by, why=why, created=now, until=None)
