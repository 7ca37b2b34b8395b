"""What the administrator or the service manager asks for by a signal."""

from __future__ import annotations

import enum
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio
from attrs import define

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Self


class Request(enum.Enum):
    """What is asked for."""

    STOP = "stop"
    """SIGTERM or SIGINT: finish what was begun, then end. A second one means at once."""
    RELOAD = "reload"
    """SIGHUP: read the configuration again, reopen the logs."""


MEANING = {signal.SIGTERM: Request.STOP, signal.SIGINT: Request.STOP, signal.SIGHUP: Request.RELOAD}


@define(eq=False)
class Requests:
    """An endless stream of requests. Signals that arrive faster than they are read may be merged, as always."""

    _numbers: AsyncIterator[int]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Request:
        return MEANING[signal.Signals(await anext(self._numbers))]


@contextmanager
def open_requests() -> Iterator[Requests]:
    """Take over the three signals for as long as the block lasts. Works in the main thread only."""
    with trio.open_signal_receiver(*MEANING) as numbers:
        yield Requests(numbers)
