"""What holds for each site in every run: how many connections it has, and that an open breaker is left alone.

The functions return the breaches that they find as lines for people; none is good.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from attrs import define, field

from empath.mail import BreakerMoved, DeliveryAttempted, Fact
from empath.world import TcpEndpoint

if TYPE_CHECKING:
    from empath.sim.network import VirtualNetwork

_ROUNDING_S: Final = 0.001
"""Wall clock has a resolution of its own."""


def breakers(facts: Iterable[Fact], *, probes: int) -> list[str]:
    """No attempt began at a site while its breaker was open, and at most ``probes`` while it was half-open."""
    spans, starts = _breaker_spans(facts)
    breaches = []
    for site, state, since, until in spans:
        first = bisect_right(starts[site], since + _ROUNDING_S)
        began = max(0, bisect_left(starts[site], until - _ROUNDING_S) - first)
        if began > (probes if state == "half_open" else 0):
            breaches.append(f"{began} attempts at {site} began while its breaker was {state}")
    return breaches


def _breaker_spans(facts: Iterable[Fact]) -> tuple[list[tuple[str, str, float, float]], Mapping[str, list[float]]]:
    """When which breaker was not closed; and when jobs began, by site (a job says one fact for each recipient)."""
    since: dict[str, BreakerMoved] = {}
    spans: list[tuple[str, str, float, float]] = []
    jobs: dict[str, set[tuple[str, float]]] = defaultdict(set)
    for fact in facts:
        if isinstance(fact, BreakerMoved):
            before = since.get(fact.site)
            # A lane that was forgotten in between begins anew, with a breaker that is closed.
            if before is not None and before.after == fact.before != "closed":
                spans.append((fact.site, fact.before, before.at, fact.at))
            since[fact.site] = fact
        elif isinstance(fact, DeliveryAttempted):
            jobs[fact.site].add((str(fact.delivery.message), fact.at - fact.took_s))
    return spans, defaultdict(list, {site: sorted(start for _, start in begun) for site, begun in jobs.items()})


@define(eq=False)
class ConnectionWatch:
    """Counts the connections that we have to each site. ``look`` is to be called whenever one is made."""

    network: VirtualNetwork
    sites: Mapping[str, str]
    """The site of each address."""
    peaks: Counter[str] = field(init=False, factory=Counter)

    def look(self) -> None:
        """Note how many there are now."""
        now: Counter[str] = Counter()
        for link in self.network.links:
            far = link.server.local
            if not link.client.closed and isinstance(far, TcpEndpoint) and far.host in self.sites:
                now[self.sites[far.host]] += 1
        for site, count in now.items():
            self.peaks[site] = max(self.peaks[site], count)

    def breaches(self, limit: int) -> list[str]:
        """Sites that had more connections than ``limit``."""
        return [f"{site} had {peak} connections at once" for site, peak in self.peaks.items() if peak > limit]
