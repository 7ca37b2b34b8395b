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
    "delivery.failed_retention",
    "delivery.frozen",
    "delivery.max_backlog_per_site",
    "delivery.max_deliveries_in_memory",
    "delivery.max_lanes",
    "delivery.max_memory",
    "delivery.max_parallel_deliveries",
    "delivery.priorities.reserved_connections",
    "delivery.tls.ca_file",
    "delivery.tls.mta_sts",
    "delivery.tls.mta_sts_max_size",
    "delivery.tls.mta_sts_policies",
    "delivery.tls.mta_sts_refresh",
    "delivery.tls.mta_sts_retry",
    "delivery.tls.mta_sts_timeout",
    "delivery.tls.report",
    "delivery.trash_retention",
    "health",
    "http",
    "log.format",
    "metrics",
    "shutdown",
    "smtp.auth",
    "smtp.limits.farewell_timeout",
    "smtp.limits.max_connections",
    "smtp.limits.max_refusals",
    "smtp.listeners[]",
)


def needs_restart(pattern: str, key: Key) -> bool:
    """Whether a new value of this key holds only from the next start on. ``pattern``: as `walk` writes it."""
    return key.needs_restart or any(pattern == one or pattern.startswith(f"{one}.") for one in _FOR_A_WHOLE_RUN)
