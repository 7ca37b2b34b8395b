"""Who hears how long the spool takes.

What is told is a transaction and not a message: a transaction has many of them, so telling costs a message nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from attrs import define


class Operation(Enum):
    """What took so long."""

    DURABLE = "durable"
    """A transaction that was on the disk when it ended: what those wait for whose messages are accepted."""
    VOLATILE = "volatile"
    """One that will be on the disk with the next durable one: what is claimed, recorded and looked up."""
    PROBE = "probe"
    """A small file, written and synced to see whether that works."""


@define(eq=False)
class SpoolWatch:
    """See the module."""

    took: Callable[[Operation, float], None] | None = None
    """Told what took how many seconds, in the event loop. Never waits, never fails. None: nobody wants to know."""
