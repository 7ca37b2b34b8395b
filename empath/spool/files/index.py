"""The index in memory: the tables of the default backend, and which files stand for their rows.

It is a SQLite database that is no file. All that can be asked of the default backend is asked of it in the same words;
only the bodies are not in it. Triggers note what an operation has changed, and `Index.change` says what that means for
the files. ``statements`` has the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import apsw
from attrs import define, field

from empath.spool import tally
from empath.spool.files import naming
from empath.spool.files import statements as sql
from empath.spool.files.change import Change
from empath.spool.files.framing import as_json, frame, from_json
from empath.spool.files.naming import EntryName, SeenName, beside, message_path, moment_of, place_of

SETTINGS: Final = "queue.json"
"""The file with what is of no message."""
FORMAT: Final = 1
_STATUSES: Final[Mapping[int, str]] = {
    tally.CLAIMED: naming.IN_PROGRESS,
    tally.QUARANTINE: naming.QUARANTINE,
    tally.HELD: naming.HELD,
    tally.FAILED: naming.FAILED,
    tally.EXPIRED: naming.EXPIRED,
    tally.TRASH: naming.TRASH,
}
_MARKS: Final = (naming.PENDING, naming.RETRY, naming.UNCERTAIN)

Record = dict[str, Any]
"""An object of JSON."""


@define(eq=False)
class Index:
    """What the files of a queue say. To be used by one thread at a time, in transactions of the connection."""

    _connection: apsw.Connection
    serial: int = field(init=False, default=0)
    """Of the latest entry that has content: of two for the same deliveries the later one counts."""

    _new: list[int] = field(init=False, factory=list)
    """Messages whose bodies are not in their files yet."""

    def prepare(self) -> None:
        """Make the tables that are needed beside those of the queue."""
        self._connection.execute(sql.TABLES)

    def watch(self) -> None:
        """Note from now on what is changed. All that is there can be found by people at once."""
        self._connection.execute(sql.LIST_ALL)
        self._connection.execute(sql.TRIGGERS)

    def disregard(self) -> None:
        """Take what was changed for what the files say."""
        self._connection.execute(sql.DISREGARD)
        self._connection.execute(sql.DISREGARD_SEEN)

    def drop_bodies(self) -> None:
        """Forget the bodies of messages that have their files now."""
        for message in self._new:
            self._connection.execute(sql.DROP_BODY, (message,))
        self._new.clear()

    def keep_bodies(self) -> None:
        """Do not: there is no file, and the messages are gone from here too."""
        self._new.clear()

    def add_message(self, record: Record) -> int:
        """Add a message as its file has it; its number."""
        row = _row(record["message"])
        if self._rows(sql.IS_TAKEN, row["id"]):
            row["id"] = self._rows(sql.FREE_NUMBER)[0][0]
        self._connection.execute(sql.ADD_MESSAGE, row)
        self._add_deliveries(row["id"], record["deliveries"])
        return int(row["id"])

    def add_entry(self, number: int, domain: str, name: EntryName, record: Record | None) -> None:
        """Let an entry say what became of the deliveries to a domain. ``record``: its content, if it has any."""
        self._connection.execute(sql.ADD_ENTRY, (number, domain, str(name), int(record is not None)))
        if record is None:
            is_claimed = int(name.status == naming.IN_PROGRESS)
            self._connection.execute(sql.AS_ENTRY, (float(name.moment), is_claimed, number, domain))
            return
        self.serial = max(self.serial, record["serial"])
        self._connection.execute(sql.FORGET_DELIVERIES, (number, domain))
        self._add_deliveries(number, record["deliveries"])
        for mid, reason in record["damage"]:
            self._connection.execute(sql.ADD_DAMAGE, (number, mid, reason))

    def add_missing(self, number: int, domain: str, mid: str) -> str:
        """Let the deliveries to a domain be as their message says; the path that says so."""
        path = str(_first(self._records(sql.TO_DOMAIN, number, domain), mid, domain))
        self._connection.execute(sql.ADD_ENTRY, (number, domain, path, 0))
        return path

    def add_settings(self, record: Record) -> None:
        """Add what is of no message."""
        for statement, kind in ((sql.ADD_IDENTITY, "identity"), (sql.ADD_RULE, "rules")):
            for one in record[kind]:
                self._connection.execute(statement, _row(one))

    def add_seen(self, name: SeenName) -> list[str]:
        """Add a fingerprint; the paths of those that it takes the place of."""
        older = [SeenName(moment_of(at), mid, name.digest) for at, mid in self._rows(sql.SEEN, name.digest)]
        self._connection.execute(sql.ADD_SEEN, (name.digest, float(name.moment), name.mid))
        return [str(one) for one in older if one != name]

    def forget(self, number: int) -> list[str]:
        """Forget a message that has no delivery; the paths of its entries."""
        paths = [path for _, path, _ in self._rows(sql.ENTRIES, number)]
        for statement in (sql.FORGET_ENTRIES, sql.FORGET_DAMAGE, sql.FORGET_MESSAGE):
            self._connection.execute(statement, (number,))
        return paths

    def take_back(self, number: int) -> None:
        """Let wait what was claimed of a message. It may have arrived."""
        self._connection.execute(sql.TAKE_BACK, (number,))

    def states(self, number: int) -> list[tuple[int, int, int]]:
        """How many deliveries of a message are in which state, as `tally.Tally` counts them."""
        return [(claimed, mark, count) for claimed, mark, count in self._rows(sql.STATES, number)]

    def count(self, number: int) -> int:
        """How many deliveries of a message there are."""
        return int(self._rows(sql.COUNT, number)[0][0])

    def domains(self, number: int) -> dict[str, str]:
        """The domains of a message, by how they stand in names."""
        return {place_of(domain): domain for (domain,) in self._rows(sql.DOMAINS, number)}

    def change(self) -> Change:
        """What the latest operation means for the files; and take that for done."""
        change = Change()
        touched: dict[int, dict[str, int]] = {}
        for message, domain, how in self._rows(sql.TOUCHED):
            touched.setdefault(message, {})[domain] = how
        for digest, moment, mid, is_new in self._rows(sql.TOUCHED_SEEN):
            path = str(SeenName(moment_of(moment), mid, digest))
            (change.remembered if is_new else change.forgotten).append(path)
        for message, domains in touched.items():
            if message == sql.NO_MESSAGE:
                kept = {"identity": self._records(sql.IDENTITY), "rules": self._records(sql.RULES)}
                change.rewritten[SETTINGS] = frame({"format": FORMAT, **kept})
            else:
                self._message(change, message, domains)
        if touched or change.remembered or change.forgotten:
            self.disregard()
        return change

    def _message(self, change: Change, message: int, domains: dict[str, int]) -> None:
        entries = {domain: (path, bool(content)) for domain, path, content in self._rows(sql.ENTRIES, message)}
        mids = self._rows(sql.MID, message)
        if not mids:
            self._gone(change, message, entries)
        elif not entries:
            self._accepted(change, message, mids[0][0])
        elif sql.EVERYTHING in domains.values():
            for domain, entry in entries.items():
                self._changed(change, message, domain, entry)
        else:
            for domain, how in domains.items():
                self._touched(change, message, domain, entries[domain], how)

    def _accepted(self, change: Change, message: int, mid: str) -> None:
        (row,) = self._records(sql.MESSAGE, message)
        deliveries = self._records(sql.DELIVERIES, message)
        seen = self._records(sql.SEEN_OF, mid)
        change.messages[message_path(mid)] = frame({"message": row, "deliveries": deliveries, "seen": seen})
        self._new.append(message)
        for domain in dict.fromkeys(one["domain"] for one in deliveries):
            rows = [one for one in deliveries if one["domain"] == domain]
            name, is_plain = _first(rows, mid, domain), _is_plain(rows)
            if is_plain:
                change.first.append(str(name))
            else:  # it comes from another backend, where more has become of it than an empty entry can say
                name = _name(name, rows)
                self._write(change, message, domain, name)
            self._connection.execute(sql.ADD_ENTRY, (message, domain, str(name), int(not is_plain)))

    def _gone(self, change: Change, message: int, entries: dict[str, tuple[str, bool]]) -> None:
        if not entries:
            return  # it came and went in one operation
        paths = [path for path, _ in entries.values()]
        change.gone.append(message_path(EntryName.of_path(paths[0]).mid))
        for path, has_content in entries.values():
            (change.orphaned if has_content else change.unmarked).append(path)
        self._connection.execute(sql.FORGET_ENTRIES, (message,))

    def _touched(self, change: Change, message: int, domain: str, entry: tuple[str, bool], how: int) -> None:
        path, has_content = entry
        if how != sql.CLAIMED or has_content or not self._rows(sql.ARE_ALIKE, message, domain)[0][0]:
            self._changed(change, message, domain, entry)
            return
        # Still as it was accepted, but for its moment, and that somebody attempts it.
        name = str(_name(EntryName.of_path(path), self._records(sql.TO_DOMAIN, message, domain)))
        change.marks.append(name)
        change.unmarked.append(path)
        self._connection.execute(sql.MOVE_ENTRY, (name, 0, message, domain))

    def _changed(self, change: Change, message: int, domain: str, entry: tuple[str, bool]) -> None:
        path, has_content = entry
        name = _name(EntryName.of_path(path), self._records(sql.TO_DOMAIN, message, domain))
        self._write(change, message, domain, name)
        if has_content:
            change.replaced[str(name)] = path
        else:
            change.unmarked.append(path)
        self._connection.execute(sql.MOVE_ENTRY, (str(name), 1, message, domain))

    def _write(self, change: Change, message: int, domain: str, name: EntryName) -> None:
        """Add an entry with content."""
        self.serial += 1
        change.entries[str(name)] = frame(
            {
                "serial": self.serial,
                "mid": name.mid,
                "domain": domain,
                "deliveries": self._records(sql.TO_DOMAIN, message, domain),
                "damage": self._rows(sql.DAMAGE, message),
            }
        )

    def _add_deliveries(self, number: int, records: Sequence[Record]) -> None:
        for one in records:
            self._connection.execute(sql.ADD_DELIVERY, {**_row(one), "message": number})

    def _records(self, query: str, *values: object) -> list[Record]:
        """Rows as objects of JSON."""
        cursor = self._connection.execute(query, values)
        found: list[Record] = []
        for row in cursor:
            names = [name for name, _ in cursor.get_description()]
            found.append({name: as_json(value) for name, value in zip(names, row, strict=True)})
        return found

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
        return found


def _row(record: Record) -> Record:
    """What a record says as values of columns."""
    return {name: from_json(value) for name, value in record.items()}


def _is_plain(rows: Sequence[Record]) -> bool:
    """Whether an entry without content can say what became of these: they wait, or are claimed, for one moment."""
    return len({(row["claimed"], row["next_attempt"]) for row in rows}) == 1 and rows[0]["claimed"] <= tally.CLAIMED


def _first(rows: Sequence[Record], mid: str, domain: str) -> EntryName:
    """The name of an entry without content."""
    status = naming.IN_PROGRESS if rows[0]["claimed"] else naming.PENDING
    return EntryName(status, moment_of(min(row["next_attempt"] for row in rows)), mid, place_of(domain))


def _name(old: EntryName, rows: Sequence[Record]) -> EntryName:
    """The name for deliveries as they are now. Never the one they had."""
    statuses = {_STATUSES.get(row["claimed"]) or _MARKS[row["mark"]] for row in rows}
    status = next((one for one in naming.STATUSES if one in statuses), naming.COMPLETED)
    moment = min((row["next_attempt"] for row in rows), default=0.0)
    name = EntryName(status, moment_of(moment), old.mid, old.place)
    return EntryName(status, beside(old.moment), old.mid, old.place) if name == old else name
