"""The deliveries in a SQLite store that wait, as a claim sees them."""

from __future__ import annotations

from typing import Any, Final

import apsw
from attrs import define, field

from empath.spool import statements as sql
from empath.spool.contract import Claim, ClaimedDelivery, Damage, DeliveryKey
from empath.spool.ending import Ending
from empath.spool.reading import Reader
from empath.spool.tally import CLAIMED, MARKS, WAITS, Tally, waiting_state

_UNUSUAL_PRIORITIES: Final = (*range(-9, 0), *range(1, 10))


@define(eq=False)
class WaitingRows:
    """See ``claiming.Rows``."""

    _connection: apsw.Connection
    _reader: Reader
    _ending: Ending
    _tally: Tally
    priorities: tuple[int, ...] = field(init=False, default=(0,))
    """Those that something which waits may have. There is one index for each, and nearly always one of them."""

    def open(self) -> None:
        """See which priorities there are."""
        execute = self._connection.execute
        self.priorities += tuple([one for one in _UNUSUAL_PRIORITIES if execute(sql.UNUSUAL, (one,)).fetchall()])

    def expect(self, priority: int) -> None:
        """Something with this priority may wait from now on."""
        if priority not in self.priorities:
            self.priorities += (priority,)

    def due(self, *, now: float, latest: float, limit: int, head_start_s: float) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        due = self._waiting(sql.DUE, now, limit, head_start_s)
        return due + self._waiting(sql.ASTRAY, max(now, latest), limit - len(due), head_start_s)

    def _waiting(self, statement: str, moment: float, limit: int, head_start_s: float) -> list[ClaimedDelivery]:
        """The first of those on one side of a moment, in the order in which they may be claimed."""
        rows: list[tuple[Any, ...]] = []
        for priority in self.priorities:
            found = self._connection.execute(statement, (priority, moment, limit))
            if len(self.priorities) == 1:
                return list(map(_claimable, found))
            rows += [(row[-1] - head_start_s * priority, *row) for row in found]
        rows.sort(key=lambda row: row[:3])
        return [_claimable(row[1:]) for row in rows[:limit]]

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        found: list[ClaimedDelivery] = []
        for priority in sorted(self.priorities, reverse=True):
            left = messages - len({one.key.message for one in found})
            if left <= 0 or len(found) >= limit:
                break
            asked = (site, priority, left, limit - len(found))
            found += map(_claimable, self._connection.execute(sql.ASIDE, asked))
        return found

    def longest_aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        found: list[ClaimedDelivery] = []
        for priority in self.priorities:
            found += map(_claimable, self._connection.execute(sql.ASIDE, (site, priority, messages, limit)))
        found.sort(key=lambda one: (one.key.message, one.key.ordinal))
        first = {*[*dict.fromkeys(one.key.message for one in found)][:messages]}
        return [one for one in found if one.key.message in first][:limit]

    def envelope(self, message: int) -> bytes | None:
        """See ``claiming.Rows``."""
        return self._reader.envelope(message)

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim | Damage:
        """See ``claiming.Rows``."""
        read = self._reader.read(deliveries[0].key.message)
        if isinstance(read, Damage):
            for one in deliveries:
                self._ending.put_away(one.key, read, self._tally)
            return read
        for one in deliveries:
            claimed, mark = waiting_state(one.status)
            statement = sql.TAKE if claimed == WAITS else sql.TAKE_HELD
            self._connection.execute(statement, (until, one.key.message, one.key.ordinal))
            self._tally.add(claimed, mark, -1)
        self._tally.add(CLAIMED, 0, len(deliveries))
        return read.claim(deliveries)

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """See ``claiming.Rows``."""
        self._connection.execute(sql.SET_ASIDE, (site, next_attempt, key.message, key.ordinal))

    def next_due(self) -> float | None:
        """See ``claiming.Rows``."""
        execute = self._connection.execute
        moments = [moment for one in self.priorities for (moment,) in execute(sql.NEXT_DUE, (one,))]
        return min(moments, default=None)


def _claimable(row: tuple[Any, ...]) -> ClaimedDelivery:
    """The delivery with these columns, whose types are those of the schema."""
    message, ordinal, domain, attempts, last, mark = row[:6]
    key = DeliveryKey(message, ordinal)
    return ClaimedDelivery(key=key, domain=domain, attempts=attempts, last=last, status=MARKS[mark])
