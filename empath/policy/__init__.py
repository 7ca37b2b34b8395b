"""The decisions: when, where, how fast, and whether at all.

Everything here is a function of its arguments, or an object whose methods are. Time is an argument, chance is an
argument, and what DNS said is an argument; nothing waits, nothing is logged, nothing is looked up. So a year of retries
is tested in a millisecond, and whoever asks why something was decided can ask again with the same arguments.

Words:

- A *site* is a destination with limits of its own; a *shard* is the part of all sites that one process owns.
- A *route* leads to *hosts*, and these to *targets*: addresses to connect to, in the order to try them.
- A *bucket* bounds a rate, a *window* bounds connections, a *breaker* stops calls to a site that fails.

Rooms: ``scheduling`` (which message of a lane goes next), ``reception`` (what may come in), ``encryption`` (what a
connection to a host must show), ``tlsrpt`` (what its domain is told of that), ``replies`` (what the answers of hosts
are about, and what to do about them) and ``steering`` (what operators decide, and what becomes of what hosts ask for)
are packages of their own. Beside them stand ``site``, ``route`` (next hops and MX), ``approach`` (their addresses, and
ours), ``retry`` (when again, and when no more), ``bucket``, ``breaker`` (a table), ``window``, and ``quota`` (a bucket
for each of many clients).

Sources: RFC 5321 4.5.4.1 (retries) and 5.1 (hosts), RFC 6409 (submission), RFC 2852, 4865, 6710 and 8689 (wishes), RFC
7505 (null MX), RFC 7435 and 3207 (opportunistic TLS), RFC 6698, 7671 and 7672 (DANE), RFC 8461 (MTA-STS), RFC 8460
(TLSRPT), RFC 9525 and 5280 (certificates), RFC 5782 (DNS lists), ITU-T I.371 (the bucket's algorithm).

Which clock: rates and breakers measure spans, and want the monotonic clock; retries are written to disk, and want the
wall clock. No function here mixes the two.

Why not one policy object that knows all: these decisions are taken in different places by different tasks, and none of
them needs what another one knows. Who puts them together is the lane.
"""

from empath.policy.approach import Approach, Host, IpPreference, targets
from empath.policy.breaker import Breaker, BreakerState, Ticket
from empath.policy.bucket import TokenBucket, take_all
from empath.policy.encryption.tls import Situation, Step, TlsPolicy
from empath.policy.quota import Quota
from empath.policy.reception.access import AccessList, Pattern
from empath.policy.reception.aliases import Aliases, AliasFault, AliasName
from empath.policy.reception.guesses import Guesses
from empath.policy.reception.logins import SenderLogins, SenderRule
from empath.policy.reception.openness import IPNetwork, too_open
from empath.policy.reception.pace import ContentPace, Penalty
from empath.policy.reception.prefix import Prefixes
from empath.policy.reception.relay import REFUSAL, RelayPolicy, RelayRight
from empath.policy.reception.server_name import ServerNames
from empath.policy.replies import Reaction, ReplyClasses, ReplyRule, RulesFault
from empath.policy.retry import GiveUp, Retries, RetryPolicy, RetryRule, Timetable
from empath.policy.route import (
    Absent,
    Exchange,
    NextHop,
    OwnHost,
    Routes,
    Target,
    Undecided,
    Unresolved,
    literal_address,
    mx_hosts,
)
from empath.policy.site import shard_of, site_of
from empath.policy.window import Window

__all__ = [
    "REFUSAL",
    "Absent",
    "AccessList",
    "AliasFault",
    "AliasName",
    "Aliases",
    "Approach",
    "Breaker",
    "BreakerState",
    "ContentPace",
    "Exchange",
    "GiveUp",
    "Guesses",
    "Host",
    "IPNetwork",
    "IpPreference",
    "NextHop",
    "OwnHost",
    "Pattern",
    "Penalty",
    "Prefixes",
    "Quota",
    "Reaction",
    "RelayPolicy",
    "RelayRight",
    "ReplyClasses",
    "ReplyRule",
    "Retries",
    "RetryPolicy",
    "RetryRule",
    "Routes",
    "RulesFault",
    "SenderLogins",
    "SenderRule",
    "ServerNames",
    "Situation",
    "Step",
    "Target",
    "Ticket",
    "Timetable",
    "TlsPolicy",
    "TokenBucket",
    "Undecided",
    "Unresolved",
    "Window",
    "literal_address",
    "mx_hosts",
    "shard_of",
    "site_of",
    "take_all",
    "targets",
    "too_open",
]
