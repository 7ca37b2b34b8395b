"""The book of rules that are in force, and what they come to for one site.

Of several rules of one kind that are for the same lane, the stricter one counts: the later end of a stop, the lower of
two limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

from attrs import define, field, frozen

from empath.mail.waiting import WaitReason
from empath.policy.steering.rule import OperatorRule, RuleKind
from empath.policy.steering.steering import Stop

_REASONS = {
    RuleKind.FREEZE: WaitReason.FROZEN,
    RuleKind.DRAIN: WaitReason.DRAINING,
    RuleKind.SUSPENSION: WaitReason.SUSPENDED,
}
_OF_NODE = (WaitReason.FROZEN, WaitReason.DRAINING)


@frozen(kw_only=True)
class Orders:
    """What operators want of a lane. None: nothing besides its configuration."""

    stop: Stop | None = None
    rate_per_s: float | None = None
    domain_rates: Mapping[str, float] = field(factory=dict)
    """Of domains that share the lane with others."""
    connections: int | None = None
    breaker_until: float | None = None
    """The breaker is open until then, on the monotonic clock; inf: until somebody closes it."""


NO_ORDERS = Orders()


@define(eq=False)
class RuleBook:
    """See the module. ``now`` is the wall clock, ``moment`` the monotonic one."""

    _rules: dict[str, tuple[OperatorRule, float]] = field(init=False, factory=dict)
    """By name, each with its end on the monotonic clock; inf: it has none."""
    _numbers: dict[RuleKind, int] = field(init=False, factory=dict)
    """The highest number of each kind that was ever seen: a name is not used twice."""
    _partial: tuple[OperatorRule, ...] = field(init=False, default=())
    """Suspensions that cover no lane as a whole, whatever its site."""
    domains: frozenset[str] = field(init=False, default=frozenset())
    """Those that a suspension or an overlay is for."""

    def __iter__(self) -> Iterator[OperatorRule]:
        """All rules, the oldest first."""
        return (rule for rule, _ in self._rules.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rules)

    def new_name(self, kind: RuleKind) -> str:
        """A name that no rule has or had, and that is not given again."""
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind.value}-{number}"

    def add(self, rule: OperatorRule, *, now: float, moment: float) -> None:
        """Put a rule in force. One of the same name goes."""
        remaining_s = rule.remaining_s(now)
        self._rules[rule.id] = (rule, inf if remaining_s is None else moment + remaining_s)
        number = rule.id.rpartition("-")[2]
        if number.isascii() and number.isdigit():
            self._numbers[rule.kind] = max(self._numbers.get(rule.kind, 0), int(number))
        self._sort_out()

    def find(self, name: str) -> OperatorRule | None:
        """The rule of this name."""
        entry = self._rules.get(name)
        return None if entry is None else entry[0]

    def remove(self, name: str) -> OperatorRule | None:
        """Take a rule out of force, if it is there."""
        entry = self._rules.pop(name, None)
        self._sort_out()
        return None if entry is None else entry[0]

    def expired(self, moment: float) -> list[OperatorRule]:
        """Those whose time is over."""
        return [rule for rule, end in self._rules.values() if end <= moment]

    @property
    def next_end(self) -> float:
        """When the first of them ends, on the monotonic clock; inf: none ends by itself."""
        return min((end for _, end in self._rules.values()), default=inf)

    @property
    def is_partial(self) -> bool:
        """Whether there are suspensions of a part of what a lane may have."""
        return bool(self._partial)

    @property
    def frozen(self) -> OperatorRule | None:
        """The freeze of the whole node."""
        return next((rule for rule in self if rule.kind is RuleKind.FREEZE), None)

    @property
    def drain(self) -> OperatorRule | None:
        """The drain of the whole node."""
        return next((rule for rule in self if rule.kind is RuleKind.DRAIN), None)

    def orders_for(self, site: str) -> Orders:
        """What all rules come to for the lane of this site."""
        if not self._rules:
            return NO_ORDERS
        covering = [(rule, end) for rule, end in self._rules.values() if rule.scope.covers(site)]
        stops = [Stop(_REASONS[rule.kind], end, str(rule)) for rule, end in covering if rule.kind in _REASONS]
        return Orders(
            # Of what stops the node and a suspension, one has to know of the former first.
            stop=max(stops, key=lambda stop: (stop.reason in _OF_NODE, stop.until), default=None),
            rate_per_s=min((rule.rate_per_s for rule, _ in covering if rule.rate_per_s is not None), default=None),
            domain_rates=self._domain_rates(site),
            connections=min((rule.connections for rule, _ in covering if rule.connections is not None), default=None),
            breaker_until=max((end for rule, end in covering if rule.kind is RuleKind.BREAKER), default=None),
        )

    def suspended(self, site: str, domain: str, sender: str) -> OperatorRule | None:
        """The rule that stops a delivery whose lane it does not stop; None: there is none."""
        touching = (rule for rule in self._partial if rule.scope.touches(site, domain, sender))
        return next((rule for rule in touching if not rule.scope.covers(site)), None)

    def _domain_rates(self, site: str) -> dict[str, float]:
        rates: dict[str, float] = {}
        for rule in self:
            domain, rate = rule.scope.domain, rule.rate_per_s
            if domain is not None and rate is not None and rule.scope.lane in (None, site) and domain != site:
                rates[domain] = min(rate, rates.get(domain, rate))
        return rates

    def _sort_out(self) -> None:
        kinds = (RuleKind.SUSPENSION, RuleKind.OVERLAY)
        self.domains = frozenset([one.scope.domain for one in self if one.kind in kinds and one.scope.domain])
        self._partial = tuple(
            rule for rule, _ in self._rules.values() if rule.kind is RuleKind.SUSPENSION and rule.scope.is_partial
        )
