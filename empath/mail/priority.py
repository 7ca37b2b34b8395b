"""The classes of mail: which goes first where not all can go at once."""

from __future__ import annotations

from enum import Enum


class Priority(Enum):
    """A class. The value is the word for configuration, commands and metrics; they stand in order, the first first."""

    CRITICAL = "critical"
    """Somebody sits and waits for it: a password to be set anew, an alarm."""
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    """To many, and in no hurry."""

    __hash__ = object.__hash__
