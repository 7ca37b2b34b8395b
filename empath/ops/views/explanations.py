"""Why mail waits, as people see it."""

from __future__ import annotations

from typing import Literal

import msgspec

from empath.delivery.explain import AddressExplanation, DeliveryExplanation, Way
from empath.ops.views.lanes import (
    GateView,
    LaneDetails,
    RuleView,
    WaitView,
    gate_view,
    lane_details,
    rule_view,
    wait_view,
)
from empath.ops.views.messages import DeliveryRow, delivery_row


class StopView(msgspec.Struct, frozen=True, kw_only=True):
    """One address on the way."""

    host: str
    address: str
    port: int
    source: str | None


class WayView(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail for a domain goes now."""

    domain: str
    lane: str
    next_hop: str | None
    """What configuration names; None: DNS decides."""
    tls: str
    tls_last: str | None
    """Of the latest connection of the lane: ``TLSv1.3``, or ``none``; None: there was none."""
    tls_verified: bool | None
    """Whether the host has proved who it is, at that connection."""
    stops: tuple[StopView, ...]
    trouble: str
    """Why there are none."""


class PastView(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that did not deliver."""

    at: float
    host: str | None
    said: str


class DeliveryStory(msgspec.Struct, frozen=True, kw_only=True):
    """Why one delivery has not gone yet."""

    delivery: DeliveryRow
    lane: str
    wait: WaitView | None
    """None: it has ended, or lies in the trash."""
    max_attempts: int
    expires: float
    way: WayView | None
    """Where it would go now; None: nowhere any more, or it is one of too many to be looked up."""
    attempts: tuple[PastView, ...]
    """The latest ones, as far as this process remembers them."""
    gates: tuple[GateView, ...]
    rules: tuple[RuleView, ...]
    actions: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why something waits, and what one can do."""

    schema: Literal["empath.explain/1"] = "empath.explain/1"
    about: Literal["message", "address", "lane"]
    name: str
    now: float
    deliveries: tuple[DeliveryStory, ...] = ()
    """Of a message."""
    way: WayView | None = None
    """Of an address."""
    lane: LaneDetails | None = None
    """Of an address or a lane."""


def story(found: DeliveryExplanation, now: float) -> DeliveryStory:
    """Why a delivery waits, for people."""
    return DeliveryStory(
        delivery=delivery_row(found.row, now),
        lane=found.site,
        wait=wait_view(found.wait),
        max_attempts=found.max_attempts,
        expires=found.expires,
        way=None if found.way is None else _way(found.way),
        attempts=tuple([PastView(at=one.at, host=one.host, said=one.said) for one in found.attempts]),
        gates=tuple(map(gate_view, found.gates)),
        rules=tuple(map(rule_view, found.rules)),
        actions=found.actions,
    )


def address_story(found: AddressExplanation, now: float) -> Explanation:
    """What would become of a message to an address, for people."""
    return Explanation(about="address", name=found.address, now=now, way=_way(found.way), lane=lane_details(found.lane))


def _way(way: Way) -> WayView:
    return WayView(
        domain=way.domain,
        lane=way.site,
        next_hop=way.next_hop,
        tls=way.tls,
        tls_last=None if way.last is None else way.last.version or "none",
        tls_verified=None if way.last is None else way.last.verified,
        stops=tuple(
            [StopView(host=one.host, address=one.address, port=one.port, source=one.source) for one in way.stops]
        ),
        trouble=way.trouble,
    )
