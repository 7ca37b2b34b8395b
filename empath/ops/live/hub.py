"""The hub: it builds what is watched, as often as it is watched, and wakes those who watch.

A table is built at most once a second, however many watch it, and by nobody else. One that takes long is built less
often, so that watching costs a small part of one core however many lanes there are. With no viewer nothing is built,
and the task sleeps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import trio
from attrs import define, field

from empath.config.schema import LiveSettings, Redaction
from empath.mail.facts import Fact
from empath.ops.api.tokens import Scope
from empath.ops.audit.records import Recorder
from empath.ops.audit.redaction import Redactor
from empath.ops.live.choosing import Choice, Filter
from empath.ops.live.dialogues import TraceTopic
from empath.ops.live.events import EventTopic
from empath.ops.live.feed import Feed
from empath.ops.live.log_lines import LogTopic
from empath.ops.live.protocol import Code, Misunderstanding, Subscribe
from empath.ops.live.subscription import BEAT_S, EventSubscription, Subscription, TableSubscription
from empath.ops.live.tables import Rows

Source = Callable[[], Awaitable[Rows]]
_BUILD_S: Final = 1.0
_REST: Final = 20
"""A table that takes longer than a twentieth of that is built anew after so many times as long as it took,"""
_LONGEST_S: Final = 10.0
"""and after so long at the latest."""
_EARLY_S: Final = 0.01
"""Beats are not to the microsecond, and a second must not become a second and a beat for that."""


class Wakeable(Protocol):
    """A viewer, as far as the hub knows him."""

    def wake(self, beat: int) -> None:
        """There may be something to send. Must not wait."""


@define(eq=False)
class Topic:
    """All tables that are made of one source."""

    source: Source
    _rows: Rows = field(init=False, factory=dict)
    _built_at: float = field(init=False, default=float("-inf"))
    _every_s: float = field(init=False, default=_BUILD_S)
    _feeds: dict[Choice, tuple[Feed, int]] = field(init=False, factory=dict)
    """By choice, with how many watch."""

    def open(self, choice: Choice) -> Feed:
        """Begin to watch. To be ended by ``close``."""
        feed, viewers = self._feeds.get(choice, (None, 0))
        if feed is None:
            feed = Feed(choice)
            if not self._is_due(trio.current_time()):
                feed.take(self._rows)
        self._feeds[choice] = feed, viewers + 1
        return feed

    def close(self, feed: Feed) -> None:
        """Watch no more."""
        _, viewers = self._feeds.pop(feed.choice)
        if viewers > 1:
            self._feeds[feed.choice] = feed, viewers - 1

    async def refresh(self) -> None:
        """Build what is watched, if it is time."""
        now = trio.current_time()
        if not self._feeds or not self._is_due(now):
            return
        self._built_at = now
        self._rows = await self.source()
        for feed, _ in list(self._feeds.values()):
            feed.take(self._rows)
        self._every_s = min(_LONGEST_S, max(_BUILD_S, _REST * (trio.current_time() - now)))

    def _is_due(self, now: float) -> bool:
        return now - self._built_at >= self._every_s - _EARLY_S


@define(eq=False, kw_only=True)
class Hub:
    """See the module. ``run`` it for as long as somebody may watch."""

    settings: LiveSettings
    node: str
    events: EventTopic = field(init=False)
    log: LogTopic = field(init=False)
    trace: TraceTopic | None = field(init=False, default=None)
    """None: there is nothing to trace."""
    dropped: int = field(init=False, default=0)
    """Events that viewers were not shown, since the start."""
    _topics: dict[str, Topic] = field(init=False, factory=dict)
    _viewers: dict[Wakeable, None] = field(init=False, factory=dict)
    _hurry: trio.Event = field(init=False, factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        """Make the topics that need no source."""
        # Who may watch may see the queue with all its addresses, so hiding them here would hide nothing.
        plain = Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b"")
        self.events = EventTopic(settings=self.settings, recorder=Recorder(node=self.node, redactor=plain))
        self.log = LogTopic(self.settings)

    def show(self, sources: Mapping[str, Source]) -> None:
        """Let these tables be watched, by the names of their topics."""
        self._topics |= {name: Topic(source) for name, source in sources.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The topics."""
        traced = () if self.trace is None else ("trace",)
        return tuple(sorted((*self._topics, "events", "log", *traced)))

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    @property
    def is_full(self) -> bool:
        """Whether nobody else may watch."""
        return len(self._viewers) >= self.settings.max_viewers

    def observe(self, fact: Fact) -> None:
        """Take note of a fact. An observer."""
        self.events.observe(fact)

    def enter(self, viewer: Wakeable) -> None:
        """Begin to wake a viewer. To be ended by ``leave``."""
        self._viewers[viewer] = None
        self._hurry.set()

    def leave(self, viewer: Wakeable) -> None:
        """Wake him no more."""
        self._viewers.pop(viewer, None)

    def subscribe(self, asked: Subscribe, scopes: frozenset[Scope] = frozenset()) -> Subscription:
        """Begin to show what a viewer with these scopes has asked for. Raises Misunderstanding."""
        wanted = Filter.of(asked.filter)
        if asked.topic in ("events", "log"):
            found = self._events(asked, wanted)
        elif asked.topic == "trace" and self.trace is not None:
            found = self._dialogues(self.trace, asked, scopes)
        elif (topic := self._topics.get(asked.topic)) is not None:
            feed = topic.open(Choice(filter=wanted, sort=asked.sort, limit=asked.limit))
            every = max(1, round((asked.every or _BUILD_S) / _BUILD_S))
            found = TableSubscription(number=asked.id, feed=feed, every=every, done=lambda: topic.close(feed))
        else:
            why, remedy = f"there is no topic {asked.topic[:40]!r}", f"one of {' '.join(self.names)}"
            raise Misunderstanding(Code.TOPIC, why, remedy, asked.id)
        self._hurry.set()
        return found

    def _dialogues(self, trace: TraceTopic, asked: Subscribe, scopes: frozenset[Scope]) -> Subscription:
        every = _beats(asked)
        said = dict(asked.filter)
        content = said.pop("content", False) is True
        if content and not scopes & {Scope.CONTENT, Scope.ADMIN}:
            why = "messages are shown to those with the scope content"
            raise Misunderstanding(Code.MESSAGE, why, "leave content out, or use a token with that scope", asked.id)
        stream = trace.open(Filter.of(said), content=content)
        return EventSubscription(
            number=asked.id, ring=stream.ring, every=every, done=lambda: trace.close(stream), dropped=self._count
        )

    def _events(self, asked: Subscribe, wanted: Filter) -> Subscription:
        every = _beats(asked)
        if asked.topic == "log":
            try:
                lines = self.log.open(wanted)
            except ValueError as error:
                raise Misunderstanding(Code.MESSAGE, str(error), '"filter":{"level":"info"}', asked.id) from None
            ring, done = lines.ring, lambda: self.log.close(lines)
        else:
            stream = self.events.open(wanted)
            ring, done = stream.ring, lambda: self.events.close(stream)
        return EventSubscription(number=asked.id, ring=ring, every=every, done=done, dropped=self._count)

    def _count(self, dropped: int) -> None:
        self.dropped += dropped

    async def run(self) -> None:
        """Build and wake until cancelled."""
        while True:
            if not self._viewers:
                await self._hurry.wait()
            self._hurry = trio.Event()
            for topic in self._topics.values():
                await topic.refresh()
            self.log.fetch()
            beat = int(trio.current_time() / BEAT_S)
            for viewer in list(self._viewers):
                viewer.wake(beat)
            with trio.move_on_at((beat + 1) * BEAT_S):
                await self._hurry.wait()


def _beats(asked: Subscribe) -> int:
    """How many beats there are to be between two frames of events. Raises Misunderstanding."""
    if asked.sort or asked.limit is not None:
        why = "events come as they happen, so sort and limit mean nothing here"
        raise Misunderstanding(Code.MESSAGE, why, "leave them out, or use filter", asked.id)
    return max(1, round((asked.every or BEAT_S) / BEAT_S))
