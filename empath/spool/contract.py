"""What every backend promises, and the values that go in and out.

The spool knows messages and deliveries. A message is an envelope, which it keeps and does not read, and a body. A
delivery is the fate of one of its recipients: it waits until ``next_attempt``, is claimed, and is recorded either as
finished, and then gone, or as waiting again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from math import inf
from sys import maxsize
from typing import Final, Protocol

from attrs import field, frozen

from empath.mail.failure import EmpathError
from empath.mail.ids import MessageId


class SpoolError(EmpathError):
    """The store cannot keep its promises now: nothing was accepted or recorded. Ours to answer for, never a peer's."""


class SpoolFull(SpoolError):
    """There is no room for the message. It may be offered again later."""


class SpoolDamaged(SpoolError):
    """A message is not what was accepted, and never will be by itself."""


class SpoolHeld(SpoolError):
    """Another daemon has this spool open."""


@frozen(kw_only=True)
class BodyFile:
    """A body that lies in a file of its own, which was durable before the message was accepted."""

    name: str
    size_bytes: int
    checksum: int | None = None
    """CRC-32 of the content; None: not known."""


Body = bytes | BodyFile


@frozen(kw_only=True)
class Acceptance:
    """A message to be kept, with one delivery for each recipient."""

    mid: MessageId
    received: float
    """Wall clock, seconds."""
    envelope: bytes
    body: Body = field(repr=False)
    domains: tuple[str, ...]
    """The domain of each recipient as A-labels, in the order of the envelope: the ordinals of the deliveries."""
    next_attempt: float
    """Before this moment nothing is attempted; wall clock, seconds."""


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


@frozen(kw_only=True)
class Claim:
    """The due deliveries of one message. They stay claimed until recorded, or until the spool is opened anew."""

    mid: MessageId
    received: float
    envelope: bytes
    body: Body = field(repr=False)
    deliveries: tuple[ClaimedDelivery, ...]

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


def _never(_envelope: bytes) -> float:
    return inf


@frozen(kw_only=True)
class Demand:
    """Which of the deliveries that are due a claim takes. The default has no objection to any.

    What is due for a site that has no room is *set aside* for this site instead, and not looked at again before the
    site is recalled or the delivery expires. So a claim costs what it takes, however long the queue of a dead site is.
    The site is a mark that the spool keeps and does not read; a mark that no longer is a site can be recalled as well.
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
    expires: Callable[[bytes], float] = _never
    """When a message with this envelope is given up. From then on it is taken even if its site has no room, since
    nothing is sent. Called in a thread of the spool.
    """

    def room_of(self, site: str) -> int:
        """Of how many messages this site may get deliveries."""
        return self.rooms.get(site, self.site_room)


ANYTHING: Final = Demand()


@frozen(kw_only=True)
class Finished:
    """A delivery that will not be attempted again: delivered, or given up and reported."""

    key: DeliveryKey


@frozen(kw_only=True)
class Waiting:
    """A delivery that is to be attempted again."""

    key: DeliveryKey
    next_attempt: float
    attempts: int
    """How often it was attempted, this time included."""
    last: bytes = b""
    """What the latest attempt came to, in a form that the spool keeps and does not read."""


@frozen(kw_only=True)
class Quarantined:
    """A delivery that cannot be attempted, since its message is damaged."""

    key: DeliveryKey
    reason: str


Fate = Finished | Waiting | Quarantined


@frozen(kw_only=True)
class Statistics:
    """How much there is."""

    messages: int
    waiting: int
    """Deliveries that wait for their next attempt."""
    claimed: int
    """Deliveries that are being attempted."""
    quarantined: int = 0
    """Deliveries of messages that are damaged."""


class BodyDraft(Protocol):
    """A large body on its way into a file. It ends with ``commit`` or ``discard``."""

    async def write(self, block: bytes) -> None:
        """Append. A SpoolError: the draft is of no further use."""

    async def commit(self) -> BodyFile:
        """Make the file durable; what comes back goes into an ``Acceptance``. Without one it is swept away later."""

    async def discard(self) -> None:
        """Throw away what was written, even if cancelled. Never fails; nothing happens after ``commit``."""


class Spool(Protocol):
    """The durable store of messages, and of the fate of each recipient.

    Every call is whole or nothing, survives the process, and may raise a SpoolError.
    """

    async def accept(self, acceptance: Acceptance) -> None:
        """Keep a message. When this returns it is on the disk, and we answer for it.

        A SpoolFull: the file of a large body is gone too.
        """

    async def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """Take up to ``room`` deliveries that are due at ``now``, the longest due first, the older of equals first.

        Due is also what waits beyond ``latest``, for which nothing can have been planned by a clock that is right: the
        wall clock was ahead, and was set back.

        Their next attempt moves to ``until`` before this returns, so that a crash in the middle of an attempt cannot
        make a message hammer its destination at every start.

        What the demand sets aside is due again at ``latest``, or when it expires if that is earlier; until then it is
        claimed, the oldest message first, when its site is recalled.
        """

    async def sites_aside(self) -> frozenset[str]:
        """The sites that deliveries are set aside for."""

    async def record(self, fates: Sequence[Fate], reports: Sequence[Acceptance] = ()) -> None:
        """Write down what became of claimed deliveries, and accept the reports on them, in one transaction.

        A message whose last delivery has finished goes with it. A delivery that is not there any more is passed over.
        One in quarantine stays there until somebody releases it, and its message with it.
        """

    async def wait_news(self) -> None:
        """Return when a delivery has come to wait since the last call of this. May return for nothing.

        Accepted or recorded as waiting: what is due next may be due earlier than ``claim`` has said.
        """

    async def draft_body(self, mid: MessageId) -> BodyDraft:
        """Begin a body that is too large to be kept in memory."""

    def read_body(self, body: BodyFile) -> AsyncGenerator[bytes, None]:
        """The content of a large body, in blocks. To be closed by who does not read to the end.

        A SpoolDamaged, at the latest where the end would be: it is not what was accepted.
        """

    async def discard_body(self, body: BodyFile) -> None:
        """Remove a large body that was committed and that no message will have. Even if cancelled; never fails."""

    async def statistics(self) -> Statistics:
        """Count."""

    async def quarantine(self) -> list[Damage]:
        """The messages that are damaged, the oldest first."""

    async def release(self, mid: str) -> int:
        """Let the deliveries of a message wait again that are in quarantine, once it was mended; how many there are."""
