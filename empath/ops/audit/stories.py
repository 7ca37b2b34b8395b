"""What became of deliveries, told by their records: one story for each recipient of each message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from empath.ops.audit.seeking import Told

_ENDS: Final = frozenset({"delivered", "bounced", "expired", "deleted"})


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a delivery."""

    at: float
    event: str
    outcome: str | None = None
    mx_server: str | None = None
    smtp_response: str | None = None
    tls: str | None = None
    tls_verified: bool | None = None
    about: str | None = None
    """What a failure is about."""
    attempt: int | None = None
    duration_ms: int | None = None
    by: str | None = None
    """Who did it, if it was an operator."""
    reason: str | None = None
    job: int | None = None
    report: str | None = None
    """The message that tells the sender of it."""


class Story(msgspec.Struct, kw_only=True):
    """All that the log knows of one delivery."""

    mid: str
    delivery: str
    sender: str
    recipient: str
    """As the log has them, which may be a hash; if an address was asked for, that address."""
    received: float | None = None
    """None: before the time that was looked at."""
    hello: str | None = None
    """What the client called itself."""
    client: str | None = None
    login: str | None = None
    size_bytes: int | None = None
    state: str = "received"
    """``received``, ``deferred``, ``uncertain``, ``held``, ``released``, or how it has ended: ``delivered``,
    ``bounced``, ``expired``, ``deleted``.
    """
    at: float | None = None
    """Since when that is so."""
    attempts: int = 0
    steps: list[Step] = []

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.state in _ENDS


def moment_of(record: Told) -> float:
    """When it happened; to the second only, where the record does not say it better."""
    try:
        return datetime.fromisoformat(str(record["time"])).timestamp()
    except (KeyError, ValueError):
        return float(record["timestamp"])


def stories_of(records: Iterable[Told], *, asked: str, names: frozenset[str]) -> list[Story]:
    """Return the stories of what was asked for, the oldest first. ``names``: how records may call it, in lower case."""
    book = _Book(asked, names)
    for record in sorted(records, key=moment_of):
        book.take(record)
    return book.told()


class _Book:
    """Stories on their way."""

    def __init__(self, asked: str, names: frozenset[str]) -> None:
        """None yet."""
        self._asked = asked
        self._names = names
        self._by_recipient: dict[tuple[str, str], Story] = {}
        self._by_delivery: dict[str, Story] = {}

    def told(self) -> list[Story]:
        """All of them."""
        return list(self._by_recipient.values())

    def take(self, record: Told) -> None:
        """Add what a record says."""
        match record.get("event"):
            case "received":
                self._received(record)
            case "attempt":
                for delivery, recipient in _pairs(record):
                    self._attempted(self._story(record, recipient, delivery), record)
            case "bounced" | "expired" if "by" not in record:
                for delivery, recipient in _pairs(record):
                    self._ended(self._story(record, recipient, delivery), record)
            case "dsn":
                self._reported(record)
            case "deleted" | "held" | "released" | "bounced" | "operator":
                self._acted(record)
            case _:
                pass

    def _received(self, record: Told) -> None:
        for ordinal, recipient in enumerate(record.get("recipients", ())):
            story = self._story(record, recipient, f"{record.get('mid')}.{ordinal}")
            if story is None:
                continue
            story.received = story.at = moment_of(record)
            story.hello, story.client, story.login = record.get("hello"), record.get("peer"), record.get("login")
            story.size_bytes = record.get("size")

    def _reported(self, record: Told) -> None:
        """A report is a message of ours, to the sender of another one."""
        for recipient in record.get("recipients", ()):
            story = self._story({"mid": record.get("report"), "sender": ""}, recipient, f"{record.get('report')}.0")
            if story is not None:
                story.received = story.at = moment_of(record)
                story.hello = f"here, about {record.get('mid')}"

    def _attempted(self, story: Story | None, record: Told) -> None:
        if story is None:
            return
        outcome = str(record.get("outcome"))
        story.attempts = max(story.attempts, int(record.get("attempt_number", 0)))
        if not story.has_ended:
            story.state, story.at = outcome, moment_of(record)
        story.steps.append(_step(record))

    def _ended(self, story: Story | None, record: Told) -> None:
        if story is None:
            return
        if story.state != "delivered":
            story.state, story.at = str(record["event"]), moment_of(record)
        story.steps.append(_step(record))

    def _acted(self, record: Told) -> None:
        found = (self._by_delivery.get(str(one)) for one in record.get("deliveries", ()))
        for story in filter(None, found):
            if not story.has_ended and record["event"] != "operator":
                story.state, story.at = str(record["event"]), moment_of(record)
            elif record["event"] == "released" and story.state == "deleted":
                story.state, story.at = "released", moment_of(record)
            story.steps.append(_step(record))

    def _story(self, record: Told, recipient: str, delivery: str) -> Story | None:
        """The story of a recipient; None: nobody has asked for it."""
        mid, sender = str(record.get("mid")), str(record.get("sender", ""))
        if not self._names & {mid, sender.lower(), recipient.lower()}:
            return None
        story = self._by_recipient.get((mid, recipient.lower()))
        if story is None:
            story = Story(mid=mid, delivery=delivery, sender=self._shown(sender), recipient=self._shown(recipient))
            story.steps = []
            self._by_recipient[mid, recipient.lower()] = story
        self._by_delivery[delivery] = story
        return story

    def _shown(self, address: str) -> str:
        return self._asked if "@" in self._asked and address.lower() in self._names else address


def _pairs(record: Told) -> Iterator[tuple[str, str]]:
    return zip(map(str, record.get("deliveries", ())), map(str, record.get("recipients", ())), strict=False)


def _step(record: Told) -> Step:
    known: dict[str, Any] = {
        name: record.get(name)
        for name in ("outcome", "mx_server", "smtp_response", "tls", "tls_verified", "duration_ms", "by", "reason")
    }
    return Step(
        at=moment_of(record),
        event=str(record["event"]),
        about=record.get("class"),
        attempt=record.get("attempt_number"),
        job=record.get("job"),
        report=record.get("report"),
        **known,
    )
