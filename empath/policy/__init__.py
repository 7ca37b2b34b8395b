"""The decisions: when, where, how fast, and whether at all.

Everything here is a function of its arguments, or an object whose methods are. Time is an argument, chance is an
argument, and what DNS said is an argument; nothing waits, nothing is logged, nothing is looked up. So a year of retries
is tested in a millisecond, and whoever asks why something was decided can ask again with the same arguments.

Words:

- A *site* is a destination with limits of its own; a *shard* is the part of all sites that one process owns.
- A *route* leads to *hosts*, and these to *targets*: addresses to connect to, in the order to try them.
- A *bucket* bounds a rate, a *window* bounds connections, a *breaker* stops calls to a site that fails.

Rooms: ``site``, ``route`` (next hops and MX), ``relay`` (who may send to whom), ``tls`` (policies as a table),
``retry`` (when again, and when no more), ``bucket``, ``breaker`` (a table), ``window``.

Sources: RFC 5321 4.5.4.1 (retries) and 5.1 (hosts), RFC 7505 (null MX), RFC 7435 and 3207 (opportunistic TLS), ITU-T
I.371 (the bucket's algorithm).

Which clock: rates and breakers measure spans, and want the monotonic clock; retries are written to disk, and want the
wall clock. No function here mixes the two.

Why not one policy object that knows all: these decisions are taken in different places by different tasks, and none of
them needs what another one knows. Who puts them together is the lane.
"""

from empath.policy.breaker import Breaker, BreakerState, Ticket
from empath.policy.bucket import TokenBucket, take_all
from empath.policy.relay import REFUSAL, IPNetwork, RelayPolicy, RelayRight
from empath.policy.retry import GiveUp, RetryPolicy
from empath.policy.route import NextHop, Routes, Target, Unresolved, literal_address, mx_hosts, targets
from empath.policy.site import shard_of, site_of
from empath.policy.tls import Situation, Step, TlsPolicy
from empath.policy.window import Window

__all__ = [
    "REFUSAL",
    "Breaker",
    "BreakerState",
    "GiveUp",
    "IPNetwork",
    "NextHop",
    "RelayPolicy",
    "RelayRight",
    "RetryPolicy",
    "Routes",
    "Situation",
    "Step",
    "Target",
    "Ticket",
    "TlsPolicy",
    "TokenBucket",
    "Unresolved",
    "Window",
    "literal_address",
    "mx_hosts",
    "shard_of",
    "site_of",
    "take_all",
    "targets",
]
