"""Persistence: what must be recorded is written until the spool takes it, and why it does not is known meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from attrs import define, field

from empath.spool.contract import SpoolError, SpoolFull

_LOG = logging.getLogger(__name__)
_AGAIN_S: Final = 5.0
"""How long to wait before the spool is asked again."""


@define(eq=False)
class Persistence:
    """See the module."""

    full: str = field(init=False, default="")
    """What the spool said when it found no room on the disk; empty: it has found some since."""

    async def write(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write, again and again until it is done or the daemon ends.

        A delivery stays claimed until it is recorded, and one that was delivered and not recorded would be sent again.
        """
        while True:
            try:
                # Shielded, and safely so: it waits for our own disk only. What is known must not be forgotten.
                with trio.CancelScope(shield=True):
                    await write()
            except SpoolError as problem:
                self.note(problem)
                _LOG.error("what became of a message cannot be recorded, trying again: %s", problem)
            else:
                self.full = ""
                return
            await trio.sleep(_AGAIN_S)

    def note(self, problem: SpoolError) -> None:
        """The spool could not be written."""
        self.full = str(problem) if isinstance(problem, SpoolFull) else ""
