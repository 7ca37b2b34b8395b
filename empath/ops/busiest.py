"""Which domains get a series of their own, when there may be a million and the series are to be a hundred.

Free places go to who comes first. From then on an hour decides: a domain that was seen more than twice as often in it
as one that has a place takes that place, and a place that nobody used for a day is free again. Changes are made at the
end of an hour only, so that series do not come and go with every burst.

An IP address is never a label; those that configuration pins always are one.

Those without a place are counted in a table of bounded size by the method of Misra and Gries ("Finding repeated
elements", 1982): when it is full, all counts sink by one. Whoever makes up more than a fraction 1/size of what is
counted is in it at the end.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field

OTHER: Final = "_other"
"""What stands for all domains without a place. No domain name has an underscore in front of its only label."""
WINDOW_S: Final = 3600.0
IDLE_S: Final = 86_400.0
_CANDIDATES_PER_PLACE: Final = 10


def is_address(name: str) -> bool:
    """Whether this is an IP address, or an address literal of mail. No top-level domain is a number (RFC 3696 2)."""
    return name.startswith("[") or ":" in name or name.rpartition(".")[2].isdigit()


@define(eq=False)
class BusiestDomains:
    """The labels of domains. Ask for each time that one is seen."""

    places: int
    pinned: frozenset[str] = frozenset()
    """Those that have a place for ever, beside the others."""
    overflow: int = field(init=False, default=0)
    """How often a domain had to be called `OTHER` for want of a place."""
    _seen: dict[str, float] = field(init=False, factory=dict)
    """Those that have a place, with when they were seen last."""
    _counts: Counter[str] = field(init=False, factory=Counter)
    """How often each was seen in this window."""
    _candidates: dict[str, int] = field(init=False, factory=dict)
    _window_ends: float | None = field(init=False, default=None)

    @property
    def tracked(self) -> int:
        """How many have a place."""
        return len(self._seen)

    def label(self, domain: str, now: float) -> tuple[str, list[str]]:
        """Return the label for a domain that is seen now, and the labels that ceased to exist at this moment."""
        gone: list[str] = []
        if self._window_ends is None or now >= self._window_ends:
            gone = self._turn(now)
        if domain in self._seen:
            self._seen[domain] = now
            self._counts[domain] += 1
            return domain, gone
        if domain in self.pinned:
            return domain, gone
        if is_address(domain):
            return OTHER, gone
        if len(self._seen) < self.places:
            self._seen[domain] = now
            self._counts[domain] += 1
            return domain, gone
        self.overflow += 1
        self._consider(domain)
        return OTHER, gone

    @property
    def labels(self) -> list[str]:
        """Those that there are now, but for `OTHER`."""
        return [*self._seen, *(self.pinned - self._seen.keys())]

    def has_place(self, domain: str) -> bool:
        """Whether it has a label of its own now."""
        return domain in self._seen or domain in self.pinned

    def _consider(self, domain: str) -> None:
        if domain in self._candidates or len(self._candidates) < self.places * _CANDIDATES_PER_PLACE:
            self._candidates[domain] = self._candidates.get(domain, 0) + 1
        else:
            self._candidates = {name: count - 1 for name, count in self._candidates.items() if count > 1}

    def _turn(self, now: float) -> list[str]:
        """End a window, and return who lost a place."""
        idle = [domain for domain, seen in self._seen.items() if now - seen >= IDLE_S]
        for domain in idle:
            del self._seen[domain]
        gone = [*idle, *self._replace(now)]
        self._counts.clear()
        self._candidates.clear()
        self._window_ends = now + WINDOW_S
        return gone

    def _replace(self, now: float) -> list[str]:
        gone = []
        quietest = sorted(self._seen, key=lambda domain: self._counts[domain])
        busiest = sorted(self._candidates.items(), key=lambda item: -item[1])
        for domain, count in busiest:
            if len(self._seen) >= self.places:
                if not quietest or count <= 2 * self._counts[quietest[0]]:
                    break
                gone.append(quietest.pop(0))
                del self._seen[gone[-1]]
            self._seen[domain] = now
        return gone
