"""What all senders share: where to ask, how to dial, what to record, and the bounds that hold for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen

from empath.delivery.finding.target import Finder
from empath.delivery.lanes.connection_limits import ConnectionLimits
from empath.delivery.lanes.hosts import Hosts
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.recording.closing import Closing
from empath.delivery.talking.content import Shield
from empath.delivery.talking.dialling import Dialling


@frozen(kw_only=True)
class Dispatch:
    """See the module."""

    finder: Finder
    dialling: Callable[[str], Dialling]
    """How connections for a recipient domain are made."""
    connections: ConnectionLimits | None
    """None: there are no limits of connections per time."""
    hosts: Hosts
    closing: Closing
    shield: Shield
    release: Callable[[Job], None]
    """Called when a job has left the hands of its sender, whatever came of it."""
    shed: Callable[[Lane], Awaitable[None]]
    """Called after each job: takes from a lane whose breaker is open what others need the room of."""
    idle_s: float
    max_messages: int
    max_recipients: int
    max_search_s: float
    """How long after the start of a transaction another host may still be tried."""
    one_write_bytes: int
    """Up to what size a message leaves in one write with its envelope, where the host allows that."""
    put_back_s: float
    """How long a job that could not be attempted by our own fault waits."""
