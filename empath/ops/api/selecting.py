"""Choosing mail: what a request says, as a selector of the spool.

Every member that is given must be met. Nothing that is given chooses nothing: whoever means everything says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeVar

import msgspec

from empath.config.units import UnitError, parse_duration
from empath.mail.delivery import Status
from empath.mail.ids import DeliveryId, MessageId
from empath.mail.waiting import WaitReason
from empath.ops.api.problems import Code, Problem
from empath.spool.contract import Selector

E = TypeVar("E", bound=Enum)
_MAX_IDS = 10_000

DomainsOf = Callable[[str], frozenset[str]]
"""The recipient domains of a lane. A ValueError: they cannot be told by its name."""


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries. All that is given must be met."""

    id: tuple[str, ...] = ()
    """Names of messages and deliveries."""
    status: tuple[str, ...] = ()
    wait: tuple[str, ...] = ()
    """Reasons why they wait."""
    domain: tuple[str, ...] = ()
    """Recipient domains."""
    lane: str | None = None
    sender: str | None = None
    """Empty: the null reverse-path."""
    recipient: str | None = None
    older_than: str | None = None
    """A duration: accepted longer ago than this."""
    newer_than: str | None = None
    reply: str | None = None
    """A pattern with * and ? for what the latest attempt came to."""
    hold: str | None = None
    """On hold for exactly this reason."""
    priority: tuple[int, ...] = ()
    deleted: bool = False
    """Those in the trash, instead of all others."""


def selector_of(said: Selection, *, now: float, domains_of: DomainsOf) -> Selector:
    """Return the selector. Raises Problem."""
    if len(said.id) > _MAX_IDS:
        raise _misunderstood(f"{len(said.id)} names are too many", f"up to {_MAX_IDS} are taken at a time")
    domains = frozenset(map(_domain, said.domain))
    if said.lane is not None:
        try:
            of_lane = domains_of(said.lane)
        except ValueError as error:
            raise _misunderstood(str(error), "choose by domain") from None
        domains = domains & of_lane if domains else of_lane
        if not domains:
            raise _misunderstood("no domain is in both", "leave lane or domain out")
    return Selector(
        ids=frozenset(map(_name, said.id)),
        statuses=_members(Status, said.status),
        reasons=_members(WaitReason, said.wait),
        domains=domains,
        sender=said.sender,
        recipient=said.recipient,
        received_before=None if said.older_than is None else now - _duration_s(said.older_than),
        received_after=None if said.newer_than is None else now - _duration_s(said.newer_than),
        reply=said.reply,
        hold=said.hold,
        priorities=frozenset(said.priority),
        in_trash=said.deleted,
    )


def message_id(text: str) -> MessageId:
    """Read the name of a message from a path. Raises Problem."""
    try:
        return MessageId.parse(text)
    except ValueError as error:
        raise no_message(text[:40], str(error)) from None


def no_message(name: str, why: str = "it was delivered or reported, removed, or never here") -> Problem:
    """Say that there is no such message."""
    remedy = "`empathctl queue list` shows what is here, the audit log what was"
    return Problem(404, Code.NO_MESSAGE, f"there is no message {name}", why=why, remedy=remedy)


def _name(text: str) -> MessageId | DeliveryId:
    try:
        return DeliveryId.parse(text) if "." in text else MessageId.parse(text)
    except ValueError as error:
        raise _misunderstood(str(error), "see the names in `empathctl queue list`") from None


def _domain(text: str) -> str:
    try:
        return text.rstrip(".").lower().encode("idna").decode() if not text.isascii() else text.rstrip(".").lower()
    except UnicodeError:
        raise _misunderstood(f"{text[:80]!r} is no domain", "write it like example.org") from None


def _members(kind: type[E], words: Iterable[str]) -> frozenset[E]:
    known = {str(member.value): member for member in kind}
    for word in words:
        if word not in known:
            raise _misunderstood(f"{word[:40]!r} is unknown", f"there are {', '.join(known)}")
    return frozenset(known[word] for word in words)


def _duration_s(text: str) -> float:
    try:
        return parse_duration(text)
    except UnitError as error:
        raise _misunderstood(str(error), "write it like 30m, 4h or 2d") from None


def _misunderstood(what: str, remedy: str) -> Problem:
    return Problem(
        422,
        Code.SELECTOR,
        f"the selector cannot be used: {what}",
        why="what is not understood would choose other mail than you mean, so nothing was done",
        remedy=remedy,
    )
