"""What ``empathctl top`` shows, and what its keys do. Nothing here touches a terminal."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

from attrs import define, field, frozen
from rich.console import Group, RenderableType
from rich.text import Text

from empath.cli.ctl.units import age, count, share
from empath.cli.render import as_table, printable
from empath.ops.live.tables import Rows

SORTS: Final = ("queued", "oldest_s", "rate_per_s", "connections", "lane")
COLUMNS: Final = ("LANE", "STATE", "QUEUED", "OLDEST", "CONN", "RATE", "LIMITED BY", "OK 15m", "P95", "LAST REPLY")
HELP: Final = (
    "s          sort by the next column: queued, oldest, rate, connections, lane",
    "/          show lanes whose name has a text in it; Enter ends it",
    "up, down   choose a lane (k and j too)",
    "Enter      all that is known of that lane",
    "e          why that lane waits",
    "S          suspend that lane: for how long is asked",
    "?          this page; any key leaves it",
    "q          quit",
)
_LINES_AROUND: Final = 6


class Verb(Enum):
    """What is to be done that needs the daemon."""

    QUIT = "quit"
    DETAILS = "details"
    EXPLAIN = "explain"
    SUSPEND = "suspend"


@frozen
class Wish:
    """Something to be done, and to which lane."""

    verb: Verb
    lane: str = ""
    text: str = ""
    """For how long, of a suspension."""


class _Mode(Enum):
    TABLE = "table"
    FILTER = "filter"
    SUSPEND = "suspend"
    PAGE = "page"


# Rows come from the API, and are looked up by name.
Lane = dict[str, Any]


@define(eq=False)
class Screen:
    """The state of the screen."""

    lanes: Rows = field(factory=dict)
    stats: Lane = field(factory=dict)
    sort: int = 0
    filter: str = ""
    chosen: str = ""
    """The lane that keys are about; empty: the first."""
    note: str = ""
    """What was done last."""
    _mode: _Mode = _Mode.TABLE
    _typed: str = ""
    _page: Sequence[str] = ()

    def rows(self) -> list[Lane]:
        """Return the lanes that are shown, in their order."""
        name = SORTS[self.sort]
        found = [dict(row) for key, row in self.lanes.items() if self.filter in key]
        if name == "lane":
            return sorted(found, key=lambda row: str(row["lane"]))
        return sorted(found, key=lambda row: (-(row.get(name) or 0), row["lane"]))

    def show(self, page: Sequence[str]) -> None:
        """Show a page of text until a key is hit."""
        self._mode, self._page = _Mode.PAGE, page

    def press(self, key: str) -> Wish | None:
        """Do what a key says, as far as it needs nobody else."""
        if self._mode is _Mode.PAGE:
            self._mode = _Mode.TABLE
            return Wish(Verb.QUIT) if key == "q" else None
        if self._mode in (_Mode.FILTER, _Mode.SUSPEND):
            return self._type(key)
        self.note = ""
        simple: dict[str, Callable[[], None]] = {
            "s": self._sort_on,
            "/": lambda: self._ask(_Mode.FILTER, self.filter),
            "?": lambda: self.show(HELP),
            "j": lambda: self._move(1),
            "k": lambda: self._move(-1),
        }
        if key in simple:
            simple[key]()
            return None
        return self._wish(key)

    def _wish(self, key: str) -> Wish | None:
        if key == "q":
            return Wish(Verb.QUIT)
        lane = self._lane()
        if not lane:
            return None
        if key == "S":
            self._ask(_Mode.SUSPEND, "1h")
        return {"\r": Wish(Verb.DETAILS, lane), "e": Wish(Verb.EXPLAIN, lane)}.get(key)

    def _type(self, key: str) -> Wish | None:
        """A key while text is asked for: Enter takes it, Escape does not."""
        if key in ("\r", "\x1b"):
            mode, self._mode = self._mode, _Mode.TABLE
            if mode is _Mode.SUSPEND and key == "\r":
                return Wish(Verb.SUSPEND, self._lane(), self._typed)
            return None
        self._typed = self._typed[:-1] if key in ("\x7f", "\b") else self._typed + (key if key.isprintable() else "")
        if self._mode is _Mode.FILTER:
            self.filter = self._typed
        return None

    def _ask(self, mode: _Mode, text: str) -> None:
        self._mode, self._typed = mode, text

    def _sort_on(self) -> None:
        self.sort = (self.sort + 1) % len(SORTS)

    def _move(self, by: int) -> None:
        names = [row["lane"] for row in self.rows()]
        if names:
            here = names.index(self.chosen) if self.chosen in names else 0
            self.chosen = names[max(0, min(len(names) - 1, here + by))]

    def _lane(self) -> str:
        names = [row["lane"] for row in self.rows()]
        return self.chosen if self.chosen in names else next(iter(names), "")

    def drawn(self, height: int, width: int) -> RenderableType:
        """Return what is to be seen on so many lines of so many columns."""
        if self._mode is _Mode.PAGE:
            return Group(*(Text(printable(line), no_wrap=True) for line in self._page[: height - 2]), Text("any key"))
        rows, lane = self.rows(), self._lane()
        most = max(1, height - _LINES_AROUND)
        first = next((place for place, row in enumerate(rows) if row["lane"] == lane), 0)
        start = max(0, min(first - most // 2, len(rows) - most))
        cells = [_cells(row, is_chosen=row["lane"] == lane) for row in rows[start : start + most]]
        return Group(
            Text(self._head(), no_wrap=True),
            Text(""),
            as_table(COLUMNS, cells, room=width),
            Text(self._foot()),
        )

    def _head(self) -> str:
        stats = self.stats
        if not stats:
            return "waiting for the daemon"
        queue = stats.get("queue") or {}
        marks = [stats["mode"].upper()] if stats["mode"] == "sandbox" else []
        marks += ["FROZEN"] if stats["frozen"] else []
        marks += ["ready"] if stats["ready"] else [f"NOT READY: {', '.join(stats['failing'])}"]
        return printable(
            f"{stats['node']} {stats['version']} {' '.join(marks)} up {age(stats['now'] - stats['started'])}   "
            f"in {stats['received_per_s']:.3g}/s   out {stats['delivered_per_s']:.3g}/s   "
            f"queue {count(queue.get('waiting'))}   ok 15m {share(stats.get('success_rate'))}"
        )

    def _foot(self) -> str:
        if self._mode is _Mode.FILTER:
            return f"lanes with: {self._typed}_"
        if self._mode is _Mode.SUSPEND:
            return f"suspend {self._lane()} for: {self._typed}_   Enter: do it, Escape: do not"
        shown = f"   only *{self.filter}*" if self.filter else ""
        return printable(self.note or f"sorted by {SORTS[self.sort]}{shown}   ? help   q quit")


def _cells(row: Lane, *, is_chosen: bool) -> tuple[str, ...]:
    limited = row.get("limited_by")
    reason = str(getattr(limited, "reason", "") or (limited or {}).get("reason", "-"))
    cells = (
        f"{'>' if is_chosen else ' '}{row['lane']}",
        row["state"],
        f"{row['queued']}{'+' if row['more'] else ''}",
        age(row.get("oldest_s")),
        f"{row['connections']}/{row['window']}",
        f"{row['rate_per_s']:.3g}/s",
        reason,
        share(row.get("ok_share")),
        age(row.get("p95_s")),
        row.get("last_reply", ""),
    )
    return tuple(printable(str(cell)) for cell in cells)
