"""The fact that the configuration was read again."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class ConfigReloaded:
    """The configuration was read again."""

    at: float
    by: str
    """``signal``, ``files``, or who has asked."""
    applied: tuple[str, ...]
    """Keys with a new value that holds."""
    needs_restart: tuple[str, ...]
    """Keys with a new value that will hold from the next start on."""
    problem: str | None
    """Why nothing has changed; None: what could be applied was."""
