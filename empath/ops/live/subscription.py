"""One thing that a viewer watches, and how far he has come with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import define, field

from empath.ops.live.feed import NO_TABLE, Feed, Table
from empath.ops.live.protocol import frame, gap
from empath.ops.live.ring import Ring

BEAT_S = 0.25
"""How often is looked whether there is something to send."""


class Subscription(Protocol):
    """Of a table, or of events."""

    def is_due(self, beat: int) -> bool:
        """Whether there is something to send at this beat. Beats are counted from any number."""

    def frames(self, beat: int) -> list[str]:
        """Return what is to be sent, which counts as sent."""

    def resync(self) -> None:
        """The viewer wants all of it again."""

    def close(self) -> None:
        """The viewer wants no more."""


@define(eq=False, kw_only=True)
class TableSubscription:
    """Shows a table: all of it first, then what has changed."""

    number: int
    feed: Feed
    every: int
    """How many builds of the table there are between two frames."""
    done: Callable[[], None]
    _seen: Table = field(init=False, default=NO_TABLE)
    _seq: int = field(init=False, default=0)
    _sent_at: int = field(init=False, default=-1)
    """At which build of the table; -1: now would be a good time."""

    def is_due(self, beat: int) -> bool:
        """See `Subscription`."""
        feed = self.feed
        return feed.table is not self._seen and (self._sent_at < 0 or feed.builds - self._sent_at >= self.every)

    def frames(self, beat: int) -> list[str]:
        """See `Subscription`."""
        kind, inside = "snap" if self._seen is NO_TABLE else "delta", self.feed.since(self._seen)
        self._seen, self._sent_at = self.feed.table, self.feed.builds
        if not inside:
            return []
        self._seq += 1
        return [frame(kind, self.number, self._seq, inside)]

    def resync(self) -> None:
        """See `Subscription`."""
        self._seen, self._sent_at = NO_TABLE, -1

    def close(self) -> None:
        """See `Subscription`."""
        self.done()


@define(eq=False, kw_only=True)
class EventSubscription:
    """Shows events as they come, and how many are missing."""

    number: int
    ring: Ring
    every: int
    """How many beats there are between two frames."""
    done: Callable[[], None]
    dropped: Callable[[int], None]
    """Told of each gap."""
    _position: int = field(init=False)
    _seq: int = field(init=False, default=0)
    _sent_at: int = field(init=False, default=-1)

    @_position.default
    def _from_now_on(self) -> int:
        return self.ring.end

    def is_due(self, beat: int) -> bool:
        """See `Subscription`."""
        return self.ring.end > self._position and (self._sent_at < 0 or beat - self._sent_at >= self.every)

    def frames(self, beat: int) -> list[str]:
        """See `Subscription`."""
        missing, texts = self.ring.since(self._position)
        self._position, self._sent_at = self.ring.end, beat
        frames = []
        if missing:
            self.dropped(missing)
            frames.append(gap(self.number, missing))
        if texts:
            self._seq += 1
            frames.append(frame("event", self.number, self._seq, f'"data":[{",".join(texts)}]'))
        return frames

    def resync(self) -> None:
        """See `Subscription`. What has passed does not come again."""

    def close(self) -> None:
        """See `Subscription`."""
        self.done()
