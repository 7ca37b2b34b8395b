"""How a SQLite store writes down what became of deliveries, and removes what is done with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import apsw
from attrs import define, field

from empath.mail.delivery import Status
from empath.spool import statements as sql
from empath.spool.contract import Action, Damage, DeliveryKey, Fate, Finished, Quarantined, Row, Waiting
from empath.spool.finding.replies import kept
from empath.spool.reading import Reader
from empath.spool.tally import CLAIMED, CODES, FAILED, MARKS, QUARANTINE, WAITS, Tally, state_of
from empath.spool.writes import Writes


@define(eq=False)
class Ending:
    """See the module. Every change of a state is counted in the tally."""

    _connection: apsw.Connection
    _reader: Reader
    _writes: Writes
    _has_damage: bool = field(init=False, default=True)
    """Whether there may be a row in ``damage``."""

    def open(self) -> None:
        """See what there is."""
        self._has_damage = bool(self.quarantine())

    def record(self, fates: Iterable[Fate], tally: Tally) -> list[str]:
        """See ``store.Store``."""
        touched = set()
        for fate in fates:
            if isinstance(fate, Finished):
                if self._finish(fate, tally):
                    touched.add(fate.key.message)
            elif isinstance(fate, Quarantined):
                damage = Damage(mid=self._reader.name(fate.key.message), reason=fate.reason)
                self.put_away(fate.key, damage, tally)
            else:
                self._postpone(fate, tally)
        return self._retire(touched, tally)

    def complete(self, completed: Mapping[DeliveryKey, list[str]], tally: Tally) -> None:
        """End deliveries that nobody has to hear of again; the names of files that go with them into their lists."""
        removed = self._writes.remove_claimed([*completed])
        tally.add(CLAIMED, 0, -len(removed))
        others = [key for key in completed if key not in removed]
        gone = removed.union(key for key in others if self._finish(Finished(key=key), tally))
        lists = {key.message: completed[key] for key in completed if key in gone}
        for message, body_file in self._retired(lists, tally).items():
            if body_file is not None:
                lists[message].append(body_file)

    def _finish(self, fate: Finished, tally: Tally) -> bool:
        """End a delivery; whether its row is gone."""
        key = fate.key
        state = self._state(key)
        if state is None:
            return False
        claimed, mark = state
        if fate.status is Status.COMPLETED or claimed == QUARANTINE:
            self._remove(key, claimed, mark, tally)
            return True
        if claimed < FAILED:
            code = CODES[fate.status]
            values = (code, fate.attempts, fate.last, kept(fate.last), fate.at, key.message, key.ordinal)
            self._connection.execute(sql.KEEP, values)
            tally.add(claimed, mark, -1)
            tally.add(code, 0)
        return False

    def _postpone(self, fate: Waiting, tally: Tally) -> None:
        mark, key = MARKS.index(fate.status), fate.key
        values = (fate.next_attempt, fate.attempts, fate.last, kept(fate.last), mark, key.message, key.ordinal)
        self._connection.execute(sql.POSTPONE, (*values, CLAIMED))
        if self._connection.changes():
            tally.add(CLAIMED, 0, -1)
            tally.add(WAITS, mark)
            return
        state = self._state(key)
        if state is not None and state[0] == WAITS:
            self._connection.execute(sql.POSTPONE, (*values, WAITS))
            tally.add(*state, -1)
            tally.add(WAITS, mark)

    def put_away(self, key: DeliveryKey, damage: Damage, tally: Tally) -> None:
        """Quarantine a delivery that has not ended."""
        state = self._state(key)
        if state is None or state[0] == QUARANTINE or state[0] >= FAILED:
            return
        self._connection.execute(sql.QUARANTINE, (damage.reason, key.message, key.ordinal))
        self._connection.execute(sql.ADD_DAMAGE, (key.message, damage.mid, damage.reason))
        self._has_damage = True
        tally.add(*state, -1)
        tally.add(QUARANTINE, 0)

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        return [Damage(mid=mid, reason=reason) for mid, reason in self._connection.execute(sql.DAMAGE)]

    def release(self, mid: str, tally: Tally) -> int:
        """See ``contract.Spool``."""
        self._connection.execute(sql.RELEASE, (mid,))
        released = self._connection.changes()
        self._connection.execute(sql.FORGET_NAMED_DAMAGE, (mid,))
        tally.add(QUARANTINE, 0, -released)
        tally.add(WAITS, 0, released)
        return released

    def apply(self, action: Action, rows: Sequence[Row], tally: Tally, *, now: float) -> None:
        """See ``store.Store``."""
        for row in rows:
            new = action.done_to(row, now)
            state = state_of(new)
            values = (*state, new.next_attempt, new.aside, new.since, new.note, row.key.message, row.key.ordinal)
            self._connection.execute(sql.STORE, values)
            tally.add(*state_of(row)[:2], -1)
            tally.add(*state[:2])

    def remove(self, over: Sequence[tuple[DeliveryKey, int]], tally: Tally) -> list[str]:
        """Remove what has ended, each with its state; the names of body files that no message needs any more."""
        for key, claimed in over:
            self._remove(key, claimed, 0, tally)
        return self._retire({key.message for key, _ in over}, tally)

    def _remove(self, key: DeliveryKey, claimed: int, mark: int, tally: Tally) -> None:
        self._connection.execute(sql.REMOVE, (key.message, key.ordinal))
        tally.add(claimed, mark, -1)

    def _retire(self, messages: Iterable[int], tally: Tally) -> list[str]:
        """Remove those of these messages that have no delivery left; their body files."""
        return [body_file for body_file in self._retired(messages, tally).values() if body_file is not None]

    def _retired(self, messages: Iterable[int], tally: Tally) -> dict[int, str | None]:
        retired = self._writes.retire([*messages])
        tally.add_messages(-len(retired))
        if self._has_damage:
            for message in retired:
                self._connection.execute(sql.FORGET_DAMAGE, (message,))
        return retired

    def _state(self, key: DeliveryKey) -> tuple[int, int] | None:
        for claimed, mark in self._connection.execute(sql.STATE, (key.message, key.ordinal)):
            return claimed, mark
        return None
