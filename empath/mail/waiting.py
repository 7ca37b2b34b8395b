"""Why a delivery is not being attempted right now.

Every delivery that waits has exactly one reason at a time, and a moment to which it holds where that is known. The
words are for people, for metrics and for the API alike, and the list is closed: what is not in it holds no mail up.
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class WaitReason(Enum):
    """The one thing that holds a delivery up."""

    DUE = "due"
    """Nothing: it will be claimed as soon as there is room."""
    IN_FLIGHT = "in_flight"
    """It is being attempted."""
    RETRY_BACKOFF = "retry_backoff"
    """The last attempt was deferred, and the next one has its time."""
    SCHEDULED = "scheduled"
    """Its sender asked for a later time (RFC 4865)."""
    RATE_DOMAIN = "rate_domain"
    RATE_GLOBAL = "rate_global"
    RATE_SOURCE = "rate_source"
    RATE_SENDER = "rate_sender"
    WINDOW = "window"
    """Its site has all the connections that it has earned so far."""
    CONN_HOST = "conn_host"
    """The host has all the connections that configuration allows."""
    CONN_GLOBAL = "conn_global"
    """We have all the connections that configuration allows."""
    BREAKER_OPEN = "breaker_open"
    """Its site has failed too often to be tried now."""
    SUSPENDED = "suspended"
    """An operator has stopped its site for a time, or its host has asked for a pause."""
    FROZEN = "frozen"
    """An operator has stopped all attempts of this node."""
    HELD = "held"
    """An operator has put this very message on hold."""
    UNCERTAIN = "uncertain"
    """It may have been delivered; it is tried again after a pause."""
    TLS_POLICY = "tls_policy"
    """The next hop does not offer the encryption that its policy asks for."""
    DNS_WAIT = "dns_wait"
    """Its next hop is being looked up."""
    DISK_LOW = "disk_low"
    """There is no room to record outcomes in."""
    DRAINING = "draining"
    """The program is about to end; the next one will go on."""


@frozen
class Wait:
    """A reason, and the moment to which it holds."""

    reason: WaitReason
    until: float | None = None
    """Wall clock, seconds since 1970; None: an event ends it, and nobody knows when."""
    detail: str = ""
    """What makes the reason concrete: a reply, a limit, an operator's words. Printable, one line."""
