"""The connections that are open to next hops, and how far a drain has come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from empath.delivery.explain import Pooled
from empath.policy.steering import OperatorRule


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One connection."""

    lane: str
    host: str
    address: str
    tls: str | None
    """The version; None: it is in clear."""
    messages: int
    """That were tried over it."""
    stage: str
    """How far the message is that is under way: ``mail``, ``rcpt``, ``data``, ``chunk``; ``idle``: there is none."""
    busy_s: float | None
    """For how long that message has been under way; None: there is none."""


class ConnectionList(msgspec.Struct, frozen=True, kw_only=True):
    """Those that were asked for, the oldest first."""

    schema: Literal["empath.pool/1"] = "empath.pool/1"
    connections: tuple[ConnectionView, ...]


class DrainView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the daemon is drained, and what is still under way."""

    schema: Literal["empath.drain/1"] = "empath.drain/1"
    draining: bool
    by: str | None
    reason: str
    since: float | None
    safe_to_stop: bool
    """Whether it is drained, and nothing is under way any more."""
    sessions: int
    """Of clients."""
    deliveries: int
    """That are being attempted."""
    slowest: tuple[ConnectionView, ...]
    """The connections whose messages have been under way for longest, at most 5."""
    waiting: int | None
    """Deliveries on the disk; None: the spool does not answer."""


def connection_view(found: Pooled) -> ConnectionView:
    """A connection, for people."""
    return ConnectionView(
        lane=found.site,
        host=found.host,
        address=found.address,
        tls=found.tls,
        messages=found.messages,
        stage=found.stage,
        busy_s=None if found.busy_s is None else round(found.busy_s, 3),
    )


def drain_view(
    rule: OperatorRule | None, pool: Iterable[Pooled], *, sessions: int, deliveries: int, waiting: int | None
) -> DrainView:
    """A drain, for people."""
    busy = sorted((one for one in pool if one.busy_s is not None), key=lambda one: -(one.busy_s or 0.0))
    return DrainView(
        draining=rule is not None,
        by=None if rule is None else rule.by,
        reason="" if rule is None else rule.why,
        since=None if rule is None else rule.created,
        safe_to_stop=rule is not None and not sessions and not deliveries,
        sessions=sessions,
        deliveries=deliveries,
        slowest=tuple(map(connection_view, busy[:5])),
        waiting=waiting,
    )
