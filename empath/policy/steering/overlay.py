"""What an overlay over limits may be, before it is put in force."""

from __future__ import annotations

from math import inf

from empath.policy.steering.rule import Scope


def objection(scope: Scope, *, rate_per_s: float | None, connections: int | None, site: str | None) -> str | None:
    """What is wrong with an overlay, and what to do instead; None: nothing.

    ``site``: the lane that mail for the domain of the scope goes by; None: the scope has no domain.
    """
    if rate_per_s is None and connections is None:
        return "an overlay sets a rate, a number of connections, or both"
    if (rate_per_s is not None and not 0 < rate_per_s < inf) or (connections is not None and connections < 1):
        return "a rate is above 0, and connections are at least 1; to stop a lane, suspend it"
    if scope.sender is not None:
        return "limits are those of lanes and domains, not of senders"
    if site is None:
        return None
    if scope.lane not in (None, site):
        return f"{scope.domain} goes by the lane {site}, not by {scope.lane}: name that lane, or the domain alone"
    if connections is not None and site != scope.domain:
        return (
            f"{scope.domain} shares the lane {site}, and connections are those of a whole lane: set them for the lane "
            f"{site}, or set a rate for the domain"
        )
    return None
