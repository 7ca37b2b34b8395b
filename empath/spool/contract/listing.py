"""What people see of a queue, and by what they choose from it."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import Final

from attrs import frozen

from empath.mail.delivery import WAITING, Status
from empath.mail.failure import DamagedRecord
from empath.mail.ids import DeliveryId, MessageId
from empath.mail.progress import decode_progress
from empath.mail.waiting import WaitReason
from empath.spool.contract.claims import DeliveryKey

_OF_STATUS: Final = {
    Status.IN_PROGRESS: WaitReason.IN_FLIGHT,
    Status.HELD: WaitReason.HELD,
    Status.PENDING: WaitReason.SCHEDULED,
    Status.RETRY: WaitReason.RETRY_BACKOFF,
    Status.UNCERTAIN: WaitReason.UNCERTAIN,
}


@frozen(kw_only=True)
class Row:
    """One delivery, as it stands."""

    key: DeliveryKey
    mid: MessageId
    received: float
    size_bytes: int
    """Of the body."""
    sender: str
    """Empty: the null reverse-path, or not known."""
    recipient: str
    """Empty: not known."""
    domain: str
    priority: int
    status: Status
    """One in quarantine is ``HELD``."""
    attempts: int
    next_attempt: float
    """Of one that waits. Of one in progress: when it waits again should nobody live to record what became of it."""
    last: bytes = b""
    """What was recorded of the latest attempt; empty: nothing."""
    aside: str | None = None
    """The site it is set aside for."""
    since: float = 0.0
    """When it was held, has ended or was deleted; 0 for others, and where it is not known."""
    note: str = ""
    """Why, in the words of who held it, failed it or deleted it; of one in quarantine: what is wrong."""
    is_damaged: bool = False
    """Whether it is in quarantine."""
    is_deleted: bool = False
    """Whether it lies in the trash. Its other fields are those it had before, but for ``since`` and ``note``."""

    @property
    def id(self) -> DeliveryId:
        """Its name."""
        return DeliveryId(self.mid, self.key.ordinal)

    @property
    def reply(self) -> str:
        """What the latest attempt came to, for people: the reply of the host, or what took its place."""
        return reply_of(self.last) if self.last else ""

    def wait(self, now: float) -> WaitReason | None:
        """Why it waits, as far as its row says; None: it has ended, or its site knows (``aside``)."""
        if self.aside is not None or self.is_deleted:
            return None
        if self.status in WAITING and self.next_attempt <= now:
            return WaitReason.DUE
        return _OF_STATUS.get(self.status)


def reply_of(last: bytes) -> str:
    """What an attempt came to, for people, from the record of it. Empty: it cannot be read."""
    try:
        diagnosis = decode_progress(last).last
    except DamagedRecord:
        return ""
    return str(diagnosis.reply) if diagnosis.reply is not None else diagnosis.text


@frozen(kw_only=True)
class Selector:
    """Which deliveries. Every condition that is set must be met; an empty set sets none."""

    ids: frozenset[MessageId | DeliveryId] = frozenset()
    """These deliveries, and all of these messages."""
    statuses: frozenset[Status] = frozenset()
    domains: frozenset[str] = frozenset()
    """Recipient domains as A-labels in lower case. Which of them make a site is not for the spool to know."""
    sender: str | None = None
    """The reverse-path; ASCII letters of either case are the same. Empty: the null reverse-path."""
    recipient: str | None = None
    """The forward-path; likewise."""
    received_before: float | None = None
    """Accepted before this moment; wall clock."""
    received_after: float | None = None
    """Accepted at this moment or later; wall clock."""
    reply: str | None = None
    """A pattern of ``*``, ``?`` and ``[...]`` that all of `Row.reply` meets, in any case."""
    hold: str | None = None
    """On hold for exactly this reason, which is their `Row.note`."""
    reasons: frozenset[WaitReason] = frozenset()
    """What `Row.wait` says."""
    sites_aside: frozenset[str] = frozenset()
    """Set aside for one of these sites."""
    priorities: frozenset[int] = frozenset()
    in_trash: bool = False
    """Those that were deleted; without it, those that were not."""

    @property
    def is_everything(self) -> bool:
        """Whether it sets no condition at all."""
        return self in (_EVERYTHING, _ALL_TRASH)

    def matches(self, row: Row, now: float) -> bool:
        """Whether a delivery is meant. This decides; an index may only spare looking at others."""
        return (
            row.is_deleted is self.in_trash
            and (not self.ids or row.mid in self.ids or row.id in self.ids)
            and (not self.statuses or row.status in self.statuses)
            and (not self.domains or row.domain in self.domains)
            and (self.sender is None or _fold(row.sender) == _fold(self.sender))
            and (self.recipient is None or _fold(row.recipient) == _fold(self.recipient))
            and (self.received_before is None or row.received < self.received_before)
            and (self.received_after is None or row.received >= self.received_after)
            and (not self.sites_aside or row.aside in self.sites_aside)
            and (not self.priorities or row.priority in self.priorities)
            and (not self.reasons or row.wait(now) in self.reasons)
            and (self.hold is None or (row.status is Status.HELD and row.note == self.hold))
            and (self.reply is None or reply_matches(self.reply, row.reply))
        )


def reply_matches(pattern: str, reply: str) -> bool:
    """Whether all of a reply is as a pattern says; see `Selector.reply`."""
    return _pattern(pattern).match(reply) is not None


def _fold(text: str) -> str:
    """ASCII letters in lower case, all else as it is: what COLLATE NOCASE of SQLite compares."""
    return text.lower() if text.isascii() else re.sub("[A-Z]+", lambda found: found[0].lower(), text)


@lru_cache(maxsize=16)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob), re.IGNORECASE)


_EVERYTHING: Final = Selector()
_ALL_TRASH: Final = Selector(in_trash=True)

EVERYTHING: Final = _EVERYTHING
"""All that is not in the trash."""


@frozen(kw_only=True)
class Page:
    """A part of what was asked for."""

    rows: tuple[Row, ...]
    cursor: str | None
    """What the next page begins behind; None: there is no further one."""
