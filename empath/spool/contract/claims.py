"""Deliveries that somebody attempts: which are asked for, and which there were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from sys import maxsize
from typing import Final

from attrs import field, frozen

from empath.mail.delivery import Status
from empath.mail.envelope import Envelope
from empath.mail.ids import MessageId
from empath.spool.contract.acceptance import Body, BodyFile


@frozen
class DeliveryKey:
    """One delivery, to the spool that made it. Not stable over a conversion of the spool."""

    message: int
    ordinal: int


@frozen(kw_only=True)
class ClaimedDelivery:
    """One delivery that is to be attempted now."""

    key: DeliveryKey
    domain: str
    attempts: int
    """How often it was attempted before."""
    last: bytes = b""
    """What was recorded of the latest attempt; empty: nothing."""
    status: Status = Status.PENDING
    """What it was before it was claimed."""


@frozen(kw_only=True)
class Claim:
    """The due deliveries of one message. They stay claimed until recorded, or until the spool is opened anew."""

    mid: MessageId
    received: float
    envelope: bytes
    body: Body = field(repr=False)
    deliveries: tuple[ClaimedDelivery, ...]
    read: Envelope | None = field(default=None, eq=False, repr=False)
    """What ``envelope`` says, if the message was accepted a moment ago; None: it has to be read."""

    @property
    def size_bytes(self) -> int:
        """What of it is in memory: the envelope, and a body that has no file."""
        return len(self.envelope) + (0 if isinstance(self.body, BodyFile) else len(self.body))


@frozen(kw_only=True)
class Damage:
    """A message in quarantine: it is kept, is not claimed, and waits for somebody to look at it."""

    mid: str
    """The name of the message. It may be what is damaged."""
    reason: str


@frozen(kw_only=True)
class Claimed:
    """What there was to claim."""

    claims: list[Claim]
    next_due: float | None
    """The earliest ``next_attempt`` among all that still wait; None: nothing waits."""
    aside: frozenset[str] = frozenset()
    """The sites that something was set aside for, and those recalled that may have more."""
    damaged: tuple[Damage, ...] = ()
    """Messages that were due and could not be claimed. Their deliveries are in quarantine now."""


def _never(_envelope: bytes) -> Callable[[ClaimedDelivery], float]:
    return lambda _delivery: inf


@frozen(kw_only=True)
class Demand:
    """Which of the deliveries that are due a claim takes. The default has no objection to any.

    What is due for a site that has no room is *set aside* for this site instead, and not looked at again before the
    site is recalled or something has to be told about the delivery. So a claim costs what it takes, however long the
    queue of a dead site is. The site is a mark that the spool keeps and does not read; a mark that no longer is a site
    can be recalled as well.
    """

    size_bytes: int = maxsize
    """Of envelopes and of bodies that lie beside their rows. With the message that reaches it the claim ends."""
    site_of: Callable[[str], str] = str
    """The site for a domain. Called in a thread of the spool."""
    site_room: int = maxsize
    """Of how many messages a site may get deliveries in one claim."""
    rooms: Mapping[str, int] = field(factory=dict)
    """The sites for which it is another number."""
    recalled: tuple[str, ...] = ()
    """The sites that get what was set aside for them, the first of them first, and nothing that is due besides."""
    moments: Callable[[bytes], Callable[[ClaimedDelivery], float]] = _never
    """For a message with this envelope: when something has to be told about each of its deliveries. From then on it is
    taken even if its site has no room, since nothing is sent. Called in a thread of the spool.
    """
    head_start_s: float = 0.0
    """By how much longer another must be due to be taken before a delivery whose priority is one higher."""

    def room_of(self, site: str) -> int:
        """Of how many messages this site may get deliveries."""
        return self.rooms.get(site, self.site_room)


ANYTHING: Final = Demand()
