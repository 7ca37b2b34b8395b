"""What is not counted but looked at, at one moment."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from empath.mail.waiting import WaitReason
from empath.spool.contract import Statistics


@frozen(kw_only=True)
class Standing:
    """How the mail stands that is here, and what was decided about it."""

    waits: Mapping[WaitReason, int] | None
    """How many deliveries wait for what; None: nobody has looked yet."""
    oldest_s: float | None
    """How long ago the oldest delivery was accepted that has not ended; 0: there is none; None: nobody has looked."""
    size_bytes: int | None
    """Of the bodies of all messages; None: nobody has looked."""
    connections: Mapping[str, int]
    """Connections to next hops, open or being opened, by site."""
    rate_limited: Mapping[WaitReason, int]
    """How often a limit of rate was met, since the start."""
    suspensions: int
    overlays: int
    recovered: int
    """Messages that were here when the daemon started."""


@frozen(kw_only=True)
class Gauges:
    """All of it."""

    queue: Statistics | None
    """None: the spool does not answer now."""
    standing: Standing | None
    """None: the daemon is still starting."""
    free_bytes: int | None
    ready: bool
    audit_dropped: int
    live_viewers: int
    live_dropped: int
    """Events that viewers were not shown."""
    dns_hits: int
    """Questions that the DNS cache has answered."""
    dns_misses: int
    certificates_end: Mapping[str, float]
    """Until when each certificate is valid, by its name; wall clock, seconds."""
