"""By which condition of a selector rows are looked up: the one that fewest meet, as far as that can be said before."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Final, Protocol

from attrs import frozen

from empath.mail.delivery import Status
from empath.mail.ids import DeliveryId
from empath.mail.waiting import WaitReason
from empath.spool.contract import Selector, reply_matches
from empath.spool.finding import replies

MOST: Final = 200
"""With more values of a condition it is as well to look at all rows."""
_RARE: Final = frozenset({Status.HELD, Status.FAILED, Status.EXPIRED})
"""States that wait for nothing: few deliveries are in one."""
_STATUS_OF: Final = {
    WaitReason.HELD: Status.HELD,
    WaitReason.IN_FLIGHT: Status.IN_PROGRESS,
    WaitReason.SCHEDULED: Status.PENDING,
    WaitReason.RETRY_BACKOFF: Status.RETRY,
    WaitReason.UNCERTAIN: Status.UNCERTAIN,
}
"""The reasons that a row tells by itself, but for ``DUE``."""


class By(Enum):
    """What rows are looked up by, and of which kind its values are."""

    ALL = auto()
    """Nothing."""
    MESSAGES = auto()
    """The names of messages, all in one condition."""
    TRASH = auto()
    STATUS = auto()
    """A `Status`; not for what is in quarantine, or in the trash."""
    QUARANTINE = auto()
    SITE = auto()
    """The site that it is set aside for."""
    DOMAIN = auto()
    SENDER = auto()
    RECIPIENT = auto()
    PRIORITY = auto()
    DUE = auto()
    """A moment: what waits, and may be attempted by then."""
    REPLY = auto()
    """A reply as `replies.kept` has it; None: of an attempt whose reply was not kept."""


@frozen
class Condition:
    """Rows that are looked up."""

    by: By
    value: object = None


ALL: Final = (Condition(By.ALL),)


class Hints(Protocol):
    """What has to be known of the rows to choose well."""

    def replies(self, beginning: str, most: int) -> list[str | None] | None:
        """The different replies that begin so; None: there are more than that. One that is None: see `By.REPLY`."""

    def is_little_due(self, now: float) -> bool:
        """Whether few enough deliveries are due to be put in order at each look."""


def conditions_of(selector: Selector, hints: Hints, now: float) -> tuple[Condition, ...]:
    """Conditions that every delivery which is meant meets one of; without any, none is meant."""
    statuses = _statuses(selector)
    if selector.ids:
        names = {str(one.message if isinstance(one, DeliveryId) else one) for one in selector.ids}
        return (Condition(By.MESSAGES, tuple(sorted(names))),)
    if selector.in_trash:
        return (Condition(By.TRASH),)
    if selector.sites_aside:
        return _each(By.SITE, selector.sites_aside)
    if statuses is not None and statuses <= _RARE:
        return _in(statuses)
    for by, text in ((By.RECIPIENT, selector.recipient), (By.SENDER, selector.sender)):
        if text is not None:
            return (Condition(by, text),)
    if selector.domains and len(selector.domains) <= MOST:
        return _each(By.DOMAIN, selector.domains)
    return _wide(selector, statuses, hints, now)


def _wide(selector: Selector, statuses: frozenset[Status] | None, hints: Hints, now: float) -> tuple[Condition, ...]:
    """Conditions that a large part of a queue may meet."""
    if selector.priorities and 0 not in selector.priorities:
        return _each(By.PRIORITY, selector.priorities)
    if selector.reasons == {WaitReason.DUE}:
        return (Condition(By.DUE, now),) if hints.is_little_due(now) else ALL
    if selector.reply is not None and (some := _by_reply(selector.reply, hints)) is not None:
        return some
    return ALL if statuses is None else _in(statuses)


def _by_reply(pattern: str, hints: Hints) -> tuple[Condition, ...] | None:
    if reply_matches(pattern, ""):
        return None  # what was never attempted is meant as well
    known = hints.replies(replies.literal(pattern), replies.MOST)
    if known is None:
        return None
    meant: list[str | None] = [*replies.meant(pattern, [text for text in known if text is not None])]
    meant += [None] * (None in known)
    # Without any there still is something to be looked for among what no index knows yet.
    return _each(By.REPLY, meant or [pattern]) if len(meant) <= MOST else None


def _statuses(selector: Selector) -> frozenset[Status] | None:
    """The states that a delivery may be in; None: any."""
    may_be = [selector.statuses] if selector.statuses else []
    if selector.hold is not None:
        may_be.append(frozenset({Status.HELD}))
    if selector.reasons and WaitReason.DUE not in selector.reasons:
        may_be.append(frozenset({_STATUS_OF[reason] for reason in selector.reasons if reason in _STATUS_OF}))
    return frozenset.intersection(*may_be) if may_be else None


def _in(statuses: frozenset[Status]) -> tuple[Condition, ...]:
    damaged = (Condition(By.QUARANTINE),) if Status.HELD in statuses else ()
    return _each(By.STATUS, statuses) + damaged


def _each(by: By, values: Iterable[object]) -> tuple[Condition, ...]:
    return tuple([Condition(by, value) for value in values])
