"""Counting the results of a day, within bounds.

What is counted apart is a policy of a domain, and a kind of trouble under it. There is a bound on how many of these a
domain has, and on how many there are. Beyond it new policies, and so new domains, are not counted; trouble of a new
kind is in the sum of its policy alone. So the sums that are there are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import define, field, frozen

from empath.policy.tlsrpt.results import Published, Trouble

MAX_OF_DOMAIN: Final = 100
"""Domains choose what they publish, and could publish something else for every connection."""


@frozen(kw_only=True)
class Counted:
    """How often the same went wrong."""

    trouble: Trouble
    sessions: int


@frozen(kw_only=True)
class PolicyTally:
    """What was counted under one policy of a domain."""

    policy: Published
    successes: int = 0
    failures: int = 0
    troubles: tuple[Counted, ...] = ()


@frozen(kw_only=True)
class DomainTally:
    """What was counted for a recipient domain."""

    domain: str
    """As A-labels."""
    policies: tuple[PolicyTally, ...]


@define(eq=False)
class _Count:
    successes: int = 0
    failures: int = 0
    troubles: dict[Trouble, int] = field(factory=dict)


@define(eq=False)
class _Domain:
    policies: dict[Published, _Count] = field(factory=dict)
    size: int = 0
    """How many policies and kinds of trouble it has."""


@define(eq=False)
class DayTally:
    """The results of one day (UTC)."""

    max_results: int
    """How many policies and kinds of trouble all domains may have."""
    _domains: dict[str, _Domain] = field(init=False, factory=dict)
    _size: int = field(init=False, default=0)

    def add(self, domain: str, policy: Published, trouble: Trouble | None) -> None:
        """Count one connection; without trouble it was a success."""
        known = self._domains.get(domain)
        if known is None:
            if self._size >= self.max_results:
                return
            known = self._domains[domain] = _Domain()
        self._add(known, policy, trouble, successes=trouble is None, failures=trouble is not None)

    def restore(self, tallies: Iterable[DomainTally]) -> None:
        """Take over what was counted in an earlier life."""
        for tally in tallies:
            domain = self._domains.setdefault(tally.domain, _Domain())
            for one in tally.policies:
                told = sum(counted.sessions for counted in one.troubles)
                self._add(domain, one.policy, None, successes=one.successes, failures=one.failures - told)
                for counted in one.troubles:
                    self._add(domain, one.policy, counted.trouble, successes=0, failures=counted.sessions)

    def _add(
        self, domain: _Domain, policy: Published, trouble: Trouble | None, *, successes: int, failures: int
    ) -> None:
        count = domain.policies.get(policy)
        if count is None:
            if not self._has_room(domain):
                return
            count = domain.policies[policy] = _Count()
        count.successes += successes
        count.failures += failures
        if trouble is not None and (trouble in count.troubles or self._has_room(domain)):
            count.troubles[trouble] = count.troubles.get(trouble, 0) + failures

    def _has_room(self, domain: _Domain) -> bool:
        """Whether something new may be counted; if so, it is going to be."""
        if domain.size >= MAX_OF_DOMAIN or self._size >= self.max_results:
            return False
        domain.size += 1
        self._size += 1
        return True

    def keep_only(self, domains: Iterable[str]) -> None:
        """Forget all other domains."""
        self._domains = {domain: self._domains[domain] for domain in domains}
        self._size = sum(domain.size for domain in self._domains.values())

    @property
    def domains(self) -> tuple[DomainTally, ...]:
        """All that was counted."""
        return tuple(
            DomainTally(domain=name, policies=tuple(_tally(*one) for one in domain.policies.items()))
            for name, domain in self._domains.items()
        )


def _tally(policy: Published, count: _Count) -> PolicyTally:
    troubles = tuple(Counted(trouble=trouble, sessions=sessions) for trouble, sessions in count.troubles.items())
    return PolicyTally(policy=policy, successes=count.successes, failures=count.failures, troubles=troubles)
