"""How much mail comes and goes, in figures for the last minute that do not grow with the mail."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from empath.mail.delivery import Status
from empath.mail.facts import DeliveryEnded, Fact, MessageAccepted

SPAN_S: Final = 60


@define(eq=False)
class _Ring:
    """Counts by second. A second's place is used again a minute later."""

    _counts: list[int] = field(init=False, factory=lambda: [0] * SPAN_S)
    _newest: int = field(init=False, default=0)
    total: int = field(init=False, default=0)

    def add(self, now: float) -> None:
        self._turn(int(now))
        self._counts[self._newest % SPAN_S] += 1
        self.total += 1

    def per_second(self, now: float) -> float:
        self._turn(int(now))
        return sum(self._counts) / SPAN_S

    def _turn(self, second: int) -> None:
        for gone in range(max(self._newest + 1, second - SPAN_S + 1), second + 1):
            self._counts[gone % SPAN_S] = 0
        self._newest = max(self._newest, second)


@define(eq=False)
class Traffic:
    """An observer."""

    _received: _Ring = field(init=False, factory=_Ring)
    _delivered: _Ring = field(init=False, factory=_Ring)

    def observe(self, fact: Fact) -> None:
        """Count what came in and what went out."""
        if isinstance(fact, MessageAccepted):
            self._received.add(fact.at)
        elif isinstance(fact, DeliveryEnded) and fact.status is Status.COMPLETED:
            self._delivered.add(fact.at)

    def received_per_s(self, now: float) -> float:
        """Messages that were accepted."""
        return self._received.per_second(now)

    def delivered_per_s(self, now: float) -> float:
        """Deliveries that were completed."""
        return self._delivered.per_second(now)

    @property
    def received(self) -> int:
        """Messages that were accepted since the start."""
        return self._received.total

    @property
    def delivered(self) -> int:
        """Deliveries that were completed since the start."""
        return self._delivered.total
