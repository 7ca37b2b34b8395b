"""What the latest attempts were like: how they ended, lane by lane, and how long each stage of them took.

These are pictures for people, of the latest moments: whoever wants to count over days asks the metrics. Nothing here
grows with the mail.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from math import ceil
from typing import Final

from attrs import define, field, frozen

from empath.mail.facts import DeliveryAttempted, Fact
from empath.mail.outcome import Bounced, Delivered
from empath.mail.way_facts import HostDialled

STAGES: Final = ("queue", "dns", "connect", "tls", "mail", "rcpt", "data")
"""In the order in which mail passes them. ``queue`` is the time from acceptance to the first attempt."""
DELIVERED, DEFERRED, BOUNCED = "d", "t", "p"
"""How an attempt ended: well, with a temporary failure, with a permanent one."""
OUTCOMES: Final = 50
"""How many attempts of a lane are remembered."""
_LANES: Final = 2000
"""Of how many lanes. One that was attempted long ago makes room."""
_TIMES: Final = 1000
"""How many durations of a stage are remembered."""


@frozen(kw_only=True)
class StageTimes:
    """How long one stage took, of the latest that passed it."""

    stage: str
    count: int
    median_s: float
    p95_s: float


@define(eq=False)
class Lately:
    """An observer."""

    _outcomes: OrderedDict[str, deque[str]] = field(init=False, factory=OrderedDict)
    _times: dict[str, deque[float]] = field(
        init=False, factory=lambda: {stage: deque[float](maxlen=_TIMES) for stage in STAGES}
    )

    def observe(self, fact: Fact) -> None:
        """Remember a fact if it is an attempt or a connection."""
        if isinstance(fact, DeliveryAttempted):
            self._ended(fact)
            self._passed(fact.stages)
            if fact.attempt == 1:
                self._times["queue"].append(fact.waited_s)
        elif isinstance(fact, HostDialled):
            self._passed(fact.stages)

    def outcomes(self) -> dict[str, str]:
        """Of each lane, how its latest attempts ended, the latest last: one letter for each."""
        return {site: "".join(ends) for site, ends in self._outcomes.items()}

    def stages(self) -> list[StageTimes]:
        """Of each stage that was passed at all, how long it took."""
        return [_times(stage, sorted(took)) for stage, took in self._times.items() if took]

    def _ended(self, fact: DeliveryAttempted) -> None:
        ends = self._outcomes.pop(fact.site, None)
        if ends is None:
            ends = deque[str](maxlen=OUTCOMES)
        self._outcomes[fact.site] = ends
        if len(self._outcomes) > _LANES:
            self._outcomes.popitem(last=False)
        if isinstance(fact.outcome, Delivered):
            ends.append(DELIVERED)
        else:
            ends.append(BOUNCED if isinstance(fact.outcome, Bounced) else DEFERRED)

    def _passed(self, stages: Iterable[tuple[str, float]]) -> None:
        for stage, took_s in stages:
            self._times[stage].append(took_s)


def _times(stage: str, took: list[float]) -> StageTimes:
    """``took`` ascends, and has something in it."""

    def quantile(share: float) -> float:
        return took[max(0, ceil(share * len(took)) - 1)]

    return StageTimes(stage=stage, count=len(took), median_s=quantile(0.5), p95_s=quantile(0.95))
