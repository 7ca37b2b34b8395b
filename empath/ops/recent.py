"""How the attempts of the last quarter of an hour went, in figures that do not grow with the mail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field

from empath.mail.diagnosis import Kind
from empath.mail.facts import DeliveryAttempted, Fact
from empath.mail.outcome import Delivered

SPAN_S = 900.0
_MINUTE_S = 60.0


@define(eq=False)
class _Minute:
    number: int
    attempts: int = 0
    delivered: int = 0
    unresolved: int = 0


@define(eq=False)
class RecentAttempts:
    """An observer."""

    _minutes: deque[_Minute] = field(init=False, factory=lambda: deque(maxlen=int(SPAN_S / _MINUTE_S)))

    def observe(self, fact: Fact) -> None:
        """Count a fact if it is an attempt."""
        if not isinstance(fact, DeliveryAttempted):
            return
        number = int(fact.at // _MINUTE_S)
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(_Minute(number))
        minute = self._minutes[-1]
        minute.attempts += 1
        if isinstance(fact.outcome, Delivered):
            minute.delivered += 1
        elif fact.outcome.diagnosis.kind is Kind.DNS:
            minute.unresolved += 1

    def success_rate(self, now: float) -> float | None:
        """What part was delivered; None: there were no attempts."""
        return self._share(now, lambda minute: minute.delivered)

    def unresolved_rate(self, now: float) -> float | None:
        """What part failed because DNS did not answer; None: there were no attempts."""
        return self._share(now, lambda minute: minute.unresolved)

    def _share(self, now: float, part: Callable[[_Minute], int]) -> float | None:
        recent = [minute for minute in self._minutes if minute.number * _MINUTE_S > now - SPAN_S]
        attempts = sum(minute.attempts for minute in recent)
        return sum(map(part, recent)) / attempts if attempts else None
