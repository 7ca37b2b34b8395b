"""Which keys a running daemon takes no new value of.

A key says so where it is declared (``needs_restart``). Whole tables stand here, and keys that belong to parts which are
made once: servers, threads, tables with a bound. Whatever is not named in either place is *live*: when the daemon reads
its configuration again, what begins after that goes by the new value.
"""

from typing import Final

from empath.config.schema.keys import Key

_FOR_A_WHOLE_RUN: Final = (
    "api",
    "audit",
    "capture",
    "delivery.dns",
    "delivery.frozen",
    "delivery.max_backlog_per_site",
    "delivery.max_deliveries_in_memory",
    "delivery.max_lanes",
    "delivery.max_memory",
    "delivery.tls.report",
    "health",
    "http",
    "metrics",
    "tracing",
)


def needs_restart(pattern: str, key: Key) -> bool:
    """Whether a new value of this key holds only from the next start on. ``pattern``: as `walk` writes it."""
    return key.needs_restart or any(pattern == one or pattern.startswith(f"{one}.") for one in _FOR_A_WHOLE_RUN)
