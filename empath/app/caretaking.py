"""Looking after the spool while the daemon runs: what was kept long enough goes, and what people look for is listed.

None of it is in the way of mail: it is done a little at a time, and what fails is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import trio
from attrs import frozen

from empath.config.schema import Config
from empath.spool.contract import Retention, Spool, SpoolError
from empath.world.ports import Clock

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 10.0
_PAUSE_S: Final = 1.0
"""While there is more to be done: mail needs the spool, too."""


@frozen
class Caretaker:
    """See the module."""

    _spool: Spool
    _clock: Clock
    _retention: Callable[[], Retention]
    """Asked each time: it may be another one by then."""

    async def run(self) -> None:
        """Look after the spool until cancelled."""
        while True:
            has_more = False
            try:
                await self._spool.purge(now=self._clock.now(), retention=self._retention())
                has_more = await self._spool.tend()
            except SpoolError as problem:
                _LOG.error("the spool cannot be looked after, trying again: %s", problem)
            await trio.sleep(_PAUSE_S if has_more else _EVERY_S)


def retention(config: Config) -> Retention:
    """How long what has ended is kept."""
    return Retention(
        failed_s=config.delivery.failed_retention_s,
        trash_s=config.delivery.trash_retention_s,
        fingerprints_s=config.spool.deduplication_window_s,
    )
