"""Sending: from a claim of the spool to the record of what became of each recipient.

The words, in the order in which a message meets them. The *dispatcher* claims what is due and divides each claim into
*jobs*: one message for those of its recipients that keep *company*: they share a domain, or the way to a configured
next hop. A job belongs to the *lane* of its site, which has a breaker, a window and a bounded backlog. A lane starts
*senders*; each owns one connection, a *hop*, and takes jobs over it one after the other. One transaction over a hop is
an *attempt*, and leaves an outcome for each recipient. What is claimed is bounded three ways: ``Stock`` counts
deliveries and octets in memory, ``Rooms`` what each lane can use. What is due for a lane without room is *set aside* in
the spool, where it costs nothing, and is recalled later. ``Closing`` turns outcomes into records: a ``Page`` decides
what is written of a job, ``Reporting`` makes the report to its sender. ``Capacity`` counts the connections of all
lanes, ``RateLimits`` the messages, and a ``Finder`` asks configuration and DNS where a domain is. ``Dialling`` makes a
hop, ``Demands`` say what a host must show before it gets mail (TLS, names, DANE, MTA-STS). Rooms: ``lanes`` (who may
send, and when), ``finding`` (where to, and what must be shown there), ``talking`` (one host at a time), ``recording``
(what is kept of it, and who is told), ``telling`` (what other domains hear of TLS with their hosts), ``explain``
(why mail waits).

What is promised:

- A claim moves the next attempt forward before anything is dialled, and no delivery leaves memory unrecorded: it is
  finished, waits for its next attempt, or is put back at no cost.
- Outcomes and the report to the sender are one transaction (RFC 3464, RFC 5321 6.1).
- The wait for the reply to a final dot is cut short by the last moment of a shutdown and by nothing else (RFC 1047).
- What is not about this message or recipient is the site's trouble, and moves breaker and window; the rest is not.
- A fault that nobody foresaw costs one job one attempt's time, and is logged.

RFC 5321 (4.5.3.2, 4.5.4, 5), PIPELINING (2920), CHUNKING (3030), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), DSN
(3461), LIMITS (9422), AUTH (4954) at a smart host, STARTTLS if it is there (3207, 7435) or must be (7672, 8461),
reports on it (8460), null MX (7505); REQUIRETLS (8689), DELIVERBY (2852) and MT-PRIORITY (6710) if the sender has asked
for them, FUTURERELEASE (4865) by waiting.

Why no connection pool: a connection that waits for its next message is a sender that waits for its next job, so the
tasks are the pool. Why no task for each message: a site with a long queue would have as many tasks as messages, all of
which but a few wait for the same connections.
"""

from empath.delivery.finding.target import Finder
from empath.delivery.lanes.call import Call
from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.dispatch import Dispatch
from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.limits import RateLimits
from empath.delivery.lanes.rooms import Rooms
from empath.delivery.lanes.sender import Connection
from empath.delivery.lanes.stock import Stock
from empath.delivery.recording.closing import Closing, Observe
from empath.delivery.talking.attempt import Attempt
from empath.delivery.talking.dialling import Dialling
from empath.delivery.talking.hop import Hop
from empath.delivery.talking.login import Login
from empath.delivery.talking.shipment import Shipment

__all__ = [
    "Attempt",
    "Call",
    "Capacity",
    "Closing",
    "Connection",
    "Dialling",
    "Dispatch",
    "Dispatcher",
    "Finder",
    "Hop",
    "Job",
    "Lane",
    "Login",
    "Observe",
    "RateLimits",
    "Rooms",
    "Shipment",
    "Stock",
]
