"""What a lane is to do about an answer: go slower, leave the site alone, have fewer connections."""

from __future__ import annotations

from typing import Final

from attrs import frozen

LASTS_S: Final = 3600.0


@frozen(kw_only=True)
class Reaction:
    """What follows an answer. What is None is left as it is."""

    slow: float | None = None
    """By which factor the messages per time become fewer: above 0 and below 1."""
    suspend_s: float | None = None
    """For how long nothing is sent."""
    connections: int | None = None
    """How many connections there may be at most."""
    lasts_s: float = LASTS_S
    """For how long ``slow`` and ``connections`` hold at most."""

    def __str__(self) -> str:
        """What it does, in a few words."""
        words = []
        if self.slow is not None:
            words.append(f"slow {self.slow:g}")
        if self.suspend_s is not None:
            words.append(f"suspend {self.suspend_s:g}s")
        if self.connections is not None:
            words.append(f"connections {self.connections}")
        return ", ".join(words)
