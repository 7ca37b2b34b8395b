"""The log topic: the lines of the log, for as many as watch. As long as nobody does, it is no handler of anything."""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

import msgspec
from attrs import define, field, frozen
from typing_extensions import override

from empath.config.schema import LiveSettings, LogFormat
from empath.ops.live.choosing import Filter
from empath.ops.live.ring import Ring
from empath.ops.logbook import formatter

_OUR_OWN: Final = ("trio-websocket", "wsproto")
"""What these say is about the very connection that it would go to."""
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Gatherer(logging.Handler):
    """Lines may come from any thread, so they wait until the event loop fetches them."""

    def __init__(self, max_lines: int) -> None:
        """``max_lines``: as many as may wait."""
        super().__init__()
        self.lines: deque[tuple[int, str]] = deque(maxlen=max_lines)
        self.count = 0
        self.setFormatter(formatter(LogFormat.JSON, in_journal=False, is_piped=False))

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        if record.name.startswith(_OUR_OWN):
            return
        try:
            self.lines.append((record.levelno, self.format(record)))
            self.count += 1
        except Exception:  # logging's own rule: what cannot be written must not stop the work
            self.handleError(record)


@frozen(eq=False)
class LogStream:
    """The lines that one viewer wants."""

    level: int
    filter: Filter
    ring: Ring


@define(eq=False)
class LogTopic:
    """See the module."""

    _settings: LiveSettings
    _gatherer: _Gatherer | None = field(init=False, default=None)
    _fetched: int = field(init=False, default=0)
    _streams: list[LogStream] = field(init=False, factory=list)

    def open(self, wanted: Filter) -> LogStream:
        """Begin to watch. To be ended by ``close``. A ValueError: there is no such level."""
        named = dict(wanted.wanted)
        (level,) = named.pop("level", ("debug",))
        if level not in _LEVELS:
            raise ValueError(f"{level[:40]!r} is no level: {' '.join(_LEVELS)}")
        ring = Ring(max_records=self._settings.max_events, max_bytes=self._settings.event_room_bytes)
        stream = LogStream(_LEVELS[level], Filter(tuple(named.items())), ring)
        if self._gatherer is None:
            self._gatherer, self._fetched = _Gatherer(self._settings.max_events), 0
            logging.getLogger().addHandler(self._gatherer)
        self._streams.append(stream)
        return stream

    def close(self, stream: LogStream) -> None:
        """Watch no more."""
        self.fetch()
        self._streams.remove(stream)
        if not self._streams and self._gatherer is not None:
            logging.getLogger().removeHandler(self._gatherer)
            self._gatherer = None

    def fetch(self) -> None:
        """Hand on what was written since the last time."""
        gatherer = self._gatherer
        if gatherer is None:
            return
        lines: list[tuple[int, str]] = []
        while gatherer.lines:
            lines.append(gatherer.lines.popleft())
        lost, self._fetched = gatherer.count - self._fetched - len(lines), gatherer.count
        for stream in self._streams:
            stream.ring.skip(max(lost, 0))
            for level, text in lines:
                if level >= stream.level and _fits(stream.filter, text):
                    stream.ring.add(text)


def _fits(wanted: Filter, text: str) -> bool:
    return not wanted.wanted or wanted.lets_through(msgspec.json.decode(text, type=dict[str, object]))
