"""The trace topic: what is said in SMTP, for as many as watch. As long as nobody does, nobody tells anything.

A dialogue is shown from its beginning although what a viewer looks for, such as a recipient, is said in the middle of
it: what came before waits until then. Of a busy daemon nobody can read everything, so transactions are shown whole or
not at all, no more each second than ``api.live.event_rate``; of the others it is counted how many lines are left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec
import trio
from attrs import define, field

from empath.config.schema import LiveSettings
from empath.mail.dialogue import Speaker, Talk, Tap
from empath.mail.quoting import plain
from empath.ops.live.choosing import Filter
from empath.ops.live.ring import Ring
from empath.ops.live.tables import Row
from empath.policy.bucket import TokenBucket

_MAX_TALKS: Final = 1000
"""Connections that one viewer's choice is remembered of."""
_MAX_WAITING: Final = 100
"""Lines of one dialogue that wait to be looked for."""
_EVENTS: Final = {
    Speaker.CLIENT: "command",
    Speaker.SERVER: "reply",
    Speaker.MESSAGE: "content",
    Speaker.NOBODY: "note",
}
_JSON: Final = msgspec.json.Encoder()


@define(eq=False)
class _Followed:
    """One dialogue, as one viewer sees it."""

    transactions: int
    shown: bool | None = None
    """None: it has not been said yet what the viewer looks for."""
    waiting: list[str] = field(factory=list)


@define(eq=False)
class TraceStream:
    """The lines that one viewer wants."""

    filter: Filter
    wants_content: bool
    ring: Ring
    bucket: TokenBucket
    _talks: OrderedDict[int, _Followed] = field(init=False, factory=OrderedDict)

    def take(self, talk: Talk, row: Row, text: str, *, ends: bool) -> None:
        """Show a line, or keep it until it is known whether it is wanted."""
        followed = self._talks.get(talk.number)
        if followed is None:
            followed = self._talks[talk.number] = _Followed(talk.transactions)
            if len(self._talks) > _MAX_TALKS:
                self._talks.popitem(last=False)
        if followed.transactions != talk.transactions:
            if followed.transactions:
                followed.waiting.clear()
                followed.shown = None
            followed.transactions = talk.transactions
        if followed.shown is None and self.filter.lets_through(row):
            followed.shown = self.bucket.take(trio.current_time())
            for earlier in followed.waiting:
                self._show(earlier, shown=followed.shown)
            followed.waiting.clear()
        if followed.shown is not None:
            self._show(text, shown=followed.shown)
        elif len(followed.waiting) < _MAX_WAITING:
            followed.waiting.append(text)
        if ends and row["event"] == "closed":
            del self._talks[talk.number]

    def _show(self, text: str, *, shown: bool) -> None:
        if shown:
            self.ring.add(text)
        else:
            self.ring.skip()


@define(eq=False, kw_only=True)
class TraceTopic:
    """See the module. It is a `empath.mail.dialogue.Listener`."""

    settings: LiveSettings
    tap: Tap
    """Of the daemon."""
    now: Callable[[], float]
    """Wall clock."""
    lane_of: Callable[[str], str]
    """The lane for a recipient domain."""
    _streams: list[TraceStream] = field(init=False, factory=list)

    @property
    def wants_content(self) -> bool:
        """Whether somebody wants to see messages."""
        return any(stream.wants_content for stream in self._streams)

    def open(self, wanted: Filter, *, content: bool) -> TraceStream:
        """Begin to watch. To be ended by ``close``."""
        settings = self.settings
        rate = settings.event_rate
        stream = TraceStream(
            filter=wanted,
            wants_content=content,
            ring=Ring(max_records=settings.max_events, max_bytes=settings.event_room_bytes),
            bucket=TokenBucket(rate.per_second, max(rate.at_once, int(rate.per_second) or 1)),
        )
        if not self._streams:
            self.tap.open(self)
        self._streams.append(stream)
        return stream

    def close(self, stream: TraceStream) -> None:
        """Watch no more."""
        self._streams.remove(stream)
        if not self._streams:
            self.tap.close()

    def hear(self, talk: Talk, speaker: Speaker, line: str, *, ends: bool) -> None:
        """See `empath.mail.dialogue.Listener`."""
        row = self._row(talk, speaker, line, ends=ends)
        text = ""
        for stream in self._streams:
            if row["event"] == "content" and not stream.wants_content:
                continue
            text = text or _JSON.encode(row).decode()
            stream.take(talk, row, text, ends=ends)

    def _row(self, talk: Talk, speaker: Speaker, line: str, *, ends: bool) -> dict[str, object]:
        row: dict[str, object] = {
            "time": self.now(),
            "session": talk.number,
            "way": "in" if talk.is_incoming else "out",
            "peer": talk.peer,
            "event": "closed" if ends and speaker is Speaker.NOBODY else _EVENTS[speaker],
            "line": plain(line, utf8=True),
            "ends": ends,
        }
        if talk.host:
            row["host"] = talk.host
        if talk.domain is not None:
            row["lane"] = self.lane_of(talk.domain)
        if talk.mid is not None:
            row["mid"] = str(talk.mid)
        if talk.sender is not None:
            row["sender"] = talk.sender
        domains = {one.rpartition("@")[2].lower(): None for one in talk.recipients}
        if domains or talk.domain is not None:
            row["domain"] = [*domains] or [talk.domain]
        if talk.recipients:
            row["recipient"] = talk.recipients
        return row
