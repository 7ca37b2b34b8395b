"""How a claim chooses among the deliveries that wait: the same for every backend.

First comes what is due; then the sites that are recalled, in their order, each with the most urgent of what was set
aside for it, and of that the oldest. A part of what is recalled is the oldest of all: what is not urgent comes back too
while more of what is urgent comes than goes.

A delivery that is due for a site without room is set aside, and so is one for a site that is recalled: others have
waited longer. That costs two changes of its row, here and when it is recalled, however long the queue is; passing over
it in each claim would cost as much as the queue is long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Protocol

from attrs import define, field

from empath.spool.contract import ANYTHING, Claim, Claimed, ClaimedDelivery, Damage, DeliveryKey, Demand, Row

LOOK: Final = 1000
"""How many deliveries that are due a claim looks at, if it may not take more: they are set aside in such portions."""
FEW: Final = 4
"""In a smaller room all is for the most urgent."""
_SHARE: Final = 8
"""One message in so many that are recalled is the oldest there is."""


class Rows(Protocol):
    """The deliveries that wait, as a backend has them. Used within a transaction."""

    def due(self, *, now: float, latest: float, limit: int, head_start_s: float) -> list[ClaimedDelivery]:
        """Those with a next attempt up to ``now``, then those beyond ``latest``.

        Each in the order of that moment, less ``head_start_s`` for each degree of priority, of message and ordinal.
        """

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """Those that are set aside for a site, of so many messages: of the highest priority first, then of the oldest
        message, then by ordinal.
        """

    def longest_aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """The same, of the oldest messages, whatever their priority."""

    def envelope(self, message: int) -> bytes | None:
        """The envelope of a message; None: it cannot be read."""

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim | Damage:
        """Claim deliveries of one message, which are then aside no longer; if it is damaged, quarantine them."""

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """Let a delivery wait for a site, or for this moment."""

    def next_due(self) -> float | None:
        """The earliest next attempt of all; None: nothing waits."""


def _now(_delivery: ClaimedDelivery) -> float:
    """The moment of one that cannot be read: it is not set aside but taken, and so found out."""
    return -inf


def claim(rows: Rows, *, now: float, until: float, latest: float, room: int, demand: Demand) -> Claimed:
    """See ``contract.Spool``."""
    claiming = _Claiming(rows, demand, until, room)
    due = rows.due(now=now, latest=latest, limit=max(room, LOOK), head_start_s=demand.head_start_s)
    claiming.take(claiming.sift(due, now, latest))
    claiming.recall()
    return Claimed(
        claims=claiming.claims,
        next_due=rows.next_due(),
        aside=frozenset(claiming.aside),
        damaged=tuple(claiming.damaged),
    )


def claim_rows(rows: Rows, chosen: Sequence[Row], *, until: float) -> Claimed:
    """See ``store.Store``."""
    claiming = _Claiming(rows, ANYTHING, until, len(chosen))
    claiming.take(
        [
            ClaimedDelivery(key=row.key, domain=row.domain, attempts=row.attempts, last=row.last, status=row.status)
            for row in chosen
        ]
    )
    return Claimed(claims=claiming.claims, next_due=None, damaged=tuple(claiming.damaged))


@define(eq=False)
class _Claiming:
    """One claim on its way. It may be undone and made again, so nothing of it lasts."""

    _rows: Rows
    _demand: Demand
    _until: float
    _room: int
    _size_bytes: int = field(init=False)
    claims: list[Claim] = field(init=False, factory=list)
    aside: set[str] = field(init=False, factory=set)
    damaged: list[Damage] = field(init=False, factory=list)
    _rooms: dict[str, int] = field(init=False, factory=dict)
    """What is left of the rooms of sites."""
    _latest: dict[str, int] = field(init=False, factory=dict)
    """The latest message that a site has got something of."""

    _moments: dict[int, Callable[[ClaimedDelivery], float]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._size_bytes = self._demand.size_bytes

    def sift(self, due: list[ClaimedDelivery], now: float, latest: float) -> list[ClaimedDelivery]:
        """Return those that may be taken, and set aside those that have to wait for their sites."""
        demand = self._demand
        if not (demand.rooms or demand.recalled) and len(due) <= demand.site_room:
            return due[: self._room]  # no site can be asked for more than it has room for: the usual case
        chosen = []
        for one in due:
            site = demand.site_of(one.domain)
            if self._has_room(site, one.key.message) or not self._set_aside(one, site, now, latest):
                chosen.append(one)
        return chosen[: self._room]

    def _has_room(self, site: str, message: int) -> bool:
        """Whether a site may get a delivery of this message, which takes room for the first of them only."""
        if site in self._demand.recalled:
            return False
        if self._latest.get(site) == message:
            return True
        room = self._rooms.get(site, self._demand.room_of(site))
        if room <= 0:
            return False
        self._rooms[site] = room - 1
        self._latest[site] = message
        return True

    def _set_aside(self, one: ClaimedDelivery, site: str, now: float, latest: float) -> bool:
        """Set one aside unless something has to be told about it; whether it is."""
        moment = self._moment(one)
        if moment <= now:
            return False
        self._rows.set_aside(one.key, site, min(latest, moment))
        self.aside.add(site)
        return True

    def _moment(self, one: ClaimedDelivery) -> float:
        """When something has to be told. A message is read once, however many recipients it has."""
        message = one.key.message
        known = self._moments.get(message)
        if known is None:
            envelope = self._rows.envelope(message)
            known = self._moments[message] = _now if envelope is None else self._demand.moments(envelope)
        return known(one)

    def take(self, deliveries: list[ClaimedDelivery]) -> int:
        """Claim as far as the octets go; how many."""
        by_message: dict[int, list[ClaimedDelivery]] = {}
        for one in deliveries:
            by_message.setdefault(one.key.message, []).append(one)
        before = self._room
        for some in by_message.values():
            if self._size_bytes <= 0:
                break
            taken = self._rows.take(tuple(some), self._until)
            if isinstance(taken, Damage):
                self.damaged.append(taken)
                continue
            self.claims.append(taken)
            self._room -= len(some)
            self._size_bytes -= taken.size_bytes
        return before - self._room

    def recall(self) -> None:
        """Take of what was set aside for each site that is recalled."""
        for site in self._demand.recalled:
            room = self._demand.room_of(site)
            found: list[ClaimedDelivery] = []
            if room > 0 and self._room > 0 and self._size_bytes > 0:
                found = self._rows.aside(site, messages=room, limit=self._room)
            has_come_to_the_end = len({one.key.message for one in found}) < room and len(found) < self._room
            if not has_come_to_the_end and room >= FEW:
                found = self._with_the_oldest(site, found, room)
            if self.take(found) < len(found) or not has_come_to_the_end:
                self.aside.add(site)

    def _with_the_oldest(self, site: str, urgent: list[ClaimedDelivery], room: int) -> list[ClaimedDelivery]:
        """As many messages, but some of them for their age."""
        share = max(1, room // _SHARE)
        oldest = self._rows.longest_aside(site, messages=share, limit=self._room)
        numbers = dict.fromkeys(one.key.message for one in urgent)
        first = dict.fromkeys([*numbers][: room - share])
        chosen = [*dict.fromkeys([*first, *(one.key.message for one in oldest), *numbers])][:room]
        by_message: dict[int, dict[DeliveryKey, ClaimedDelivery]] = {}
        for one in (*urgent, *oldest):
            by_message.setdefault(one.key.message, {})[one.key] = one
        return [one for number in chosen for one in by_message[number].values()][: self._room]
