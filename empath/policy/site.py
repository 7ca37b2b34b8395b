"""Which site a delivery belongs to, and which shard a site belongs to.

A site is a destination: all that shares its limits, its breaker and its connections. Mail that DNS routes has the
domain of its recipient as its site; mail that configuration routes (a smart host, an ``mx_override``) has that next
hop, since it is the next hop that the limits protect. The key of the first has no port in it and that of the second
always has one, so the two never meet.

A site is never derived from what DNS answers: then its owner would change with somebody else's zone file. A shard is
the unit of ownership, and its number depends on the key alone. It is the same in every process, on every machine and
after every restart, which Python's own ``hash`` is not.
"""

from __future__ import annotations

from hashlib import blake2b

from empath.policy.route import NextHop
from empath.smtp import AddressLiteral, Domain


def site_of(domain: Domain | AddressLiteral, next_hop: NextHop | None) -> str:
    """The key of the site: the domain as A-labels, or ``host:port`` of the next hop that configuration names."""
    return domain.ascii if next_hop is None else str(next_hop)


def shard_of(site: str, shards: int) -> int:
    """The number of the shard, from 0 to ``shards`` - 1."""
    return int.from_bytes(blake2b(site.encode(), digest_size=8).digest(), "big") % shards
