"""The event topic: facts as records, for as many as watch.

Subscriptions with the same filter share one stream: a fact is looked at once for each filter, becomes text once, and
waits in one ring. A stream takes in no more than ``api.live.event_rate``: nobody reads more, and a busy daemon would
spend its time with telling. What is left out is counted, and the viewer is told how much.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec
import trio
from attrs import define, field, frozen

from empath.config.schema import LiveSettings
from empath.mail.facts import Fact
from empath.ops.audit.records import Recorder
from empath.ops.audit.wording import Record
from empath.ops.live.choosing import Filter
from empath.ops.live.records import TOLD, is_long, record_of, sought
from empath.ops.live.ring import Ring
from empath.policy.bucket import TokenBucket

_JSON: Final = msgspec.json.Encoder()


@frozen(eq=False)
class Stream:
    """The records that one filter lets through, the latest of them. ``viewers``: how many watch."""

    filter: Filter
    ring: Ring
    bucket: TokenBucket

    def has_room(self, now: float) -> bool:
        """Take the place of a record, if there is one."""
        if self.bucket.take(now):
            return True
        self.ring.skip()
        return False


@define(eq=False, kw_only=True)
class EventTopic:
    """An observer. As long as nobody watches it keeps the latest facts as they are, and does nothing else."""

    settings: LiveSettings
    recorder: Recorder
    _latest: deque[Fact | Record | None] = field(init=False)
    """Long facts as records, which are short."""
    _streams: dict[Filter, tuple[Stream, int]] = field(init=False, factory=dict)
    """By filter, with how many watch."""
    _seq: int = field(init=False, default=0)

    @_latest.default
    def _room(self) -> deque[Fact | Record | None]:
        return deque(maxlen=self.settings.max_events)

    def observe(self, fact: Fact) -> None:
        """Take note of a fact."""
        if type(fact) not in TOLD:
            return
        self._latest.append(record_of(self.recorder, 0, fact) if is_long(fact) else fact)
        if self._streams:
            self._tell(fact)

    def _tell(self, fact: Fact) -> None:
        record: Record | None = None
        now, text, row = trio.current_time(), "", None
        for stream, _ in self._streams.values():
            if not stream.filter.wanted and not stream.has_room(now):
                continue
            if record is None:
                self._seq += 1
                record = record_of(self.recorder, self._seq, fact)
                if record is None:
                    return
            if stream.filter.wanted:
                row = row or sought(record)
                if not stream.filter.lets_through(row) or not stream.has_room(now):
                    continue
            text = text or _JSON.encode(record).decode()
            stream.ring.add(text)

    def open(self, wanted: Filter) -> Stream:
        """Begin to watch. To be ended by ``close``."""
        found = self._streams.get(wanted)
        if found is None:
            settings = self.settings
            ring = Ring(max_records=settings.max_events, max_bytes=settings.event_room_bytes)
            rate = settings.event_rate
            found = Stream(wanted, ring, TokenBucket(rate.per_second, max(rate.at_once, int(rate.per_second) or 1))), 0
        stream, viewers = found
        self._streams[wanted] = stream, viewers + 1
        return stream

    def close(self, stream: Stream) -> None:
        """Watch no more."""
        _, viewers = self._streams.pop(stream.filter)
        if viewers > 1:
            self._streams[stream.filter] = stream, viewers - 1

    def latest(self, wanted: Filter, limit: int) -> list[Record]:
        """Return the latest records that a filter lets through, the oldest first."""
        found: list[Record] = []
        for kept in reversed(self._latest):
            if len(found) == limit:
                break
            record = kept if kept is None or isinstance(kept, dict) else record_of(self.recorder, 0, kept)
            if record is not None and wanted.lets_through(sought(record)):
                found.append({name: value for name, value in record.items() if name != "seq"})
        return found[::-1]
