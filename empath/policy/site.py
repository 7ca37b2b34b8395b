"""Which site a delivery belongs to, and which shard a site belongs to.

A site is a destination: all that shares its limits, its breaker and its connections. Mail that DNS routes has the
domain of its recipient as its site, or the name of the site that configuration has rolled several domains up into.
Mail that configuration routes (a smart host, an ``mx_override``) has that next hop, since it is the next hop that the
limits protect. The key of a next hop always has a port in it and the others never have, so they do not meet. A name
that is a domain as well means both: that domain belongs to the site.

A site is never derived from what DNS answers: then its owner would change with somebody else's zone file. A shard is
the unit of ownership, and its number depends on the key alone. It is the same in every process, on every machine and
after every restart, which Python's own ``hash`` is not.
"""

from __future__ import annotations

from hashlib import blake2b

from empath.policy.route import NextHop
from empath.smtp import AddressLiteral, Domain


def site_of(domain: Domain | AddressLiteral, next_hop: NextHop | None, name: str | None = None) -> str:
    """The key of the site: ``host:port`` of the next hop that configuration names, else ``name``, else the domain.

    ``name``: of the site that configuration has put the domain into. The domain is written as A-labels.
    """
    if next_hop is not None:
        return str(next_hop)
    return domain.ascii if name is None else name


def shard_of(site: str, shards: int) -> int:
    """The number of the shard, from 0 to ``shards`` - 1."""
    return int.from_bytes(blake2b(site.encode(), digest_size=8).digest(), "big") % shards
