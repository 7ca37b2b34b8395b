"""How many descriptors this process may have open: connections, files and the few that it has anyway."""

from __future__ import annotations

import resource


def allow_descriptors(wanted: int) -> int:
    """See to it that so many descriptors may be open, as far as the system lets us, and return how many may be.

    The soft limit is often 1024, for the sake of programs that use select(2), which knows no higher ones; everybody
    else is meant to raise it (systemd.exec(5), "LimitNOFILE"). A limit that is higher already is left alone.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)
