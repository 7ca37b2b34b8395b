"""Who hears of DNS lookups, and how many the cache has spared.

A lookup takes a round trip, so telling of each costs nothing that anybody would see. What is found in the cache is
counted and no more, since every message finds something there.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, frozen

from empath.world.answers import Answer, Security
from empath.world.errors import DnsError, NoData, NoSuchDomain


@frozen(kw_only=True)
class Lookup:
    """A question that servers were asked, and what came of it."""

    kind: str
    """The type of record, as ``MX``."""
    result: str
    """``ok``, ``nodata``, ``nxdomain``, or ``temporary``: nobody could tell."""
    security: Security | None
    """None: there was no answer that it could be said of."""
    took_s: float


def lookup(kind: str, finding: Answer[object] | DnsError, took_s: float) -> Lookup:
    """What is told of a finding."""
    match finding:
        case Answer(security=security):
            return Lookup(kind=kind, result="ok", security=security, took_s=took_s)
        case NoData(security=security):
            return Lookup(kind=kind, result="nodata", security=security, took_s=took_s)
        case NoSuchDomain(security=security):
            return Lookup(kind=kind, result="nxdomain", security=security, took_s=took_s)
        case _:
            return Lookup(kind=kind, result="temporary", security=None, took_s=took_s)


@define(eq=False)
class DnsWatch:
    """See the module."""

    tell: Callable[[Lookup], None] | None = None
    """Called in the event loop. Never waits, never fails."""
    hits: int = 0
    """Questions that were answered from the cache."""
    misses: int = 0
    """Questions that were not; several of them may have shared one lookup."""
