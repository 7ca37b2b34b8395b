"""What came of the latest attempts: at each site, and of each delivery that was deferred. Both tables are bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from empath.mail.facts import DeliveryAttempted, DeliveryEnded, Fact
from empath.mail.ids import DeliveryId
from empath.mail.outcome import Delivered
from empath.mail.way_facts import HostDialled

if TYPE_CHECKING:
    from empath.delivery.explain.rows import LaneRow

_SLOT_S: Final = 60.0
_SLOTS: Final = 15
_TIMES: Final = 128
_TEXT: Final = 200
_PASTS: Final = 6
"""Attempts of one delivery that are remembered, the latest ones."""


@frozen
class Past:
    """One attempt that did not deliver."""

    at: float
    """Wall clock."""
    host: str | None
    said: str
    """What the host answered, or what took its place. At most 200 characters."""


@frozen
class Seal:
    """How a connection was encrypted."""

    version: str | None
    """``TLSv1.3``; None: it was not."""
    verified: bool
    """Whether the host has proved who it is."""
    at: float
    """When it came about; wall clock."""


def minute_of(at: float) -> int:
    """The number of the minute in which attempts of that moment are counted."""
    return int(at // _SLOT_S)


@define(eq=False)
class Tally:
    """What attempts at one site came to, counted by recipient. Moments are wall clock."""

    since: float
    """When counting began."""
    delivered: int = field(init=False, default=0)
    """Since then, like the next."""
    not_delivered: int = field(init=False, default=0)
    last_reply: str = field(init=False, default="")
    last_at: float = field(init=False, default=0.0)
    seal: Seal | None = field(init=False, default=None)
    """Of the latest connection; None: there was none."""
    row: tuple[tuple[int, int, bool], LaneRow] | None = field(init=False, default=None)
    """The row at rest that was made last, and what it was made from. It is here so that both are forgotten together."""
    _slots: deque[list[int]] = field(init=False, factory=lambda: deque(maxlen=_SLOTS))
    """The number of the minute, how many were delivered in it, and how many were not."""
    _times: deque[float] = field(init=False, factory=lambda: deque(maxlen=_TIMES))
    _p95_s: tuple[int, float | None] = field(init=False, default=(0, None))
    """How many attempts had been counted when it was worked out."""

    @property
    def count(self) -> int:
        """How many attempts there were."""
        return self.delivered + self.not_delivered

    def add(self, fact: DeliveryAttempted) -> None:
        """Count an attempt."""
        minute = minute_of(fact.at)
        slots = self._slots
        if not slots or slots[-1][0] != minute:
            slots.append([minute, 0, 0])
        outcome = fact.outcome
        self.last_at = fact.at
        if isinstance(outcome, Delivered):
            slots[-1][1] += 1
            self.delivered += 1
            self.last_reply = str(outcome.reply)[:_TEXT]
        else:
            slots[-1][2] += 1
            self.not_delivered += 1
            self.last_reply = str(outcome.diagnosis)[:_TEXT]
        self._times.append(fact.took_s)

    def ok_share(self, now: float) -> float | None:
        """Which part of the latest quarter of an hour was delivered; None: nothing was attempted."""
        minute = minute_of(now)
        recent = [slot for slot in self._slots if 0 <= minute - slot[0] < _SLOTS]
        delivered, others = sum(slot[1] for slot in recent), sum(slot[2] for slot in recent)
        return delivered / (delivered + others) if delivered + others else None

    @property
    def p95_s(self) -> float | None:
        """How long 95 of 100 attempts took at most, of the latest ones; None: there were none."""
        count, p95_s = self._p95_s
        if count != self.count:
            times = sorted(self._times)
            p95_s = times[min(len(times) - 1, len(times) * 95 // 100)]
            self._p95_s = self.count, p95_s
        return p95_s


@define(eq=False)
class Tallies:
    """Listens to facts. What was used longest ago is forgotten when a table is full."""

    max_sites: int
    max_deliveries: int
    _by_site: dict[str, Tally] = field(init=False, factory=dict)
    _pasts: dict[DeliveryId, deque[Past]] = field(init=False, factory=dict)

    def __iter__(self) -> Iterator[tuple[str, Tally]]:
        """All sites."""
        return iter(self._by_site.items())

    def of(self, site: str) -> Tally | None:
        """What is known of a site."""
        return self._by_site.get(site)

    def past(self, delivery: DeliveryId) -> Sequence[Past]:
        """The latest attempts of a delivery, as far as this process remembers them, the oldest first."""
        return tuple(self._pasts.get(delivery, ()))

    def observe(self, fact: Fact) -> None:
        """Take note. Never waits, never fails."""
        if type(fact) is DeliveryAttempted:
            self._tally(fact.site, fact.at).add(fact)
            if type(fact.outcome) is not Delivered:
                self._remember(fact)
        elif type(fact) is HostDialled:
            if fact.result == "ok":
                self._tally(fact.site, fact.at).seal = Seal(fact.tls_version, fact.tls_verified, fact.at)
        elif type(fact) is DeliveryEnded and self._pasts:
            self._pasts.pop(fact.delivery, None)

    def _tally(self, site: str, at: float) -> Tally:
        tally = self._by_site.pop(site, None)
        if tally is None:
            tally = Tally(at)
            if len(self._by_site) >= self.max_sites:
                del self._by_site[next(iter(self._by_site))]
        self._by_site[site] = tally
        return tally

    def _remember(self, fact: DeliveryAttempted) -> None:
        if isinstance(fact.outcome, Delivered):
            return
        diagnosis = fact.outcome.diagnosis
        pasts = self._pasts.pop(fact.delivery, None)
        if pasts is None:
            pasts = deque(maxlen=_PASTS)
            if len(self._pasts) >= self.max_deliveries:
                del self._pasts[next(iter(self._pasts))]
        self._pasts[fact.delivery] = pasts
        said = str(diagnosis.reply) if diagnosis.reply is not None else diagnosis.text or diagnosis.kind.value
        pasts.append(Past(fact.at, diagnosis.host, said[:_TEXT]))
