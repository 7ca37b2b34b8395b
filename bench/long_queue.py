"""A queue of any length, made by the spool's own code: mail for many sites, nearly all of which waits for tomorrow.

Every delivery was attempted before and deferred. Among each fifty thousand there is one of each kind that people look
for (`NEEDLES`): one that is held, one that has failed, one of a sender that no other has, and so on.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeVar

from attrs import frozen

from bench.cases import KIB
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.mail.progress import Progress, encode_progress
from empath.mail.record import encode_envelope
from empath.smtp import Address, EnhancedCode, Reply
from empath.spool import Acceptance, DeliveryKey, Finished, Waiting
from empath.spool.contract import Action, Delete, Hold, Selector
from empath.spool.store import Store

DAY_S: Final = 86_400.0
SITES: Final = 1000
EVERY: Final = 50_000
"""Deliveries between two of a kind."""
NEEDLES: Final = (
    "sender",
    "recipient",
    "domain",
    "reply",
    "priority",
    "pending",
    "uncertain",
    "failed",
    "expired",
    "held",
    "deleted",
)
_PARKED: Final[Mapping[str, Action]] = {"held": Hold("bench"), "deleted": Delete("bench")}
_AGE_S: Final = 4 * DAY_S
_BATCH: Final = 500
T = TypeVar("T")
_BODY: Final = b"Subject: waiting\r\n\r\n" + (b"x" * 76 + b"\r\n") * (KIB // 78)


def _record(reply: Reply) -> bytes:
    last = Diagnosis(kind=Kind.MESSAGE_DEFERRED, phase=Phase.RCPT, host="mx.example", text="", reply=reply)
    return encode_progress(Progress(last=last))


_USUAL: Final = [
    _record(Reply(451, (f"4.7.1 try again later, says site {site}",), EnhancedCode(4, 7, 1))) for site in range(SITES)
]
_RARE: Final = _record(Reply(452, ("4.2.2 the mailbox is full of needles",), EnhancedCode(4, 2, 2)))


@frozen
class Queue:
    """What is to wait."""

    messages: int
    now: float

    def batches(self) -> Iterator[range]:
        """The numbers of the messages, so many at a time."""
        for first in range(0, self.messages, _BATCH):
            yield range(first, min(self.messages, first + _BATCH))

    def mid(self, number: int) -> MessageId:
        """The name of a message."""
        return MessageId.make(self.now, number)

    def acceptance(self, number: int) -> Acceptance:
        """A message, which came some time in the last days."""
        kind = kind_of(number)
        sender = "needle@rare.example" if kind == "sender" else f"sender{number % 997}@client.example"
        domain = "rare.example" if kind == "domain" else f"site{number % SITES}.example"
        recipient = "needle@site0.example" if kind == "recipient" else f"user{number}@{domain}"
        received = self.now - _AGE_S + number * _AGE_S / self.messages
        envelope = Envelope(
            reverse_path=Address.parse(sender), recipients=(Recipient(Address.parse(recipient)),), received=received
        )
        return Acceptance(
            mid=self.mid(number),
            received=received,
            envelope=encode_envelope(envelope),
            body=_BODY,
            domains=(recipient.partition("@")[2],),
            sender=sender,
            recipients=(recipient,),
            next_attempt=self.now,
            priority=5 if kind == "priority" else 0,
        )

    def fate(self, number: int, key: DeliveryKey) -> Waiting | Finished:
        """What became of it so far."""
        kind = kind_of(number)
        if kind in ("failed", "expired"):
            return Finished(key=key, status=Status(kind), at=self.now, attempts=9, last=_RARE)
        status = Status(kind) if kind in ("pending", "uncertain") else Status.RETRY
        last = b"" if kind == "pending" else _RARE if kind == "reply" else _USUAL[number % SITES]
        next_attempt = self.now + DAY_S / 2 + number % 36_000
        attempts = 0 if kind == "pending" else 9
        return Waiting(key=key, next_attempt=next_attempt, attempts=attempts, last=last, status=status)


def kind_of(number: int) -> str:
    """Which of the `NEEDLES` a message is; else nothing."""
    place = number % EVERY - EVERY // 2
    return NEEDLES[place] if 0 <= place < len(NEEDLES) else ""


def fill(store: Store, queue: Queue) -> None:
    """Let it all wait, and be found."""
    for numbers in queue.batches():
        _fill(store, queue, numbers)
    for kind, action in _PARKED.items():
        for number in range(EVERY // 2 + NEEDLES.index(kind), queue.messages, EVERY):
            _do(store, partial(_park, action=action, mid=queue.mid(number), now=queue.now))
    while any(_do(store, lambda store: store.tend()) for _ in range(2)):  # the second one lists what the first saw
        pass


def _park(store: Store, *, action: Action, mid: MessageId, now: float) -> None:
    selector = Selector(ids=frozenset({mid}))
    store.apply(action, store.find(selector, now=now, after=None, limit=1).rows, now=now)


def _fill(store: Store, queue: Queue, numbers: range) -> None:
    acceptances = [queue.acceptance(number) for number in numbers]

    def accept(store: Store) -> list[int | MessageId]:
        return [store.accept(one, claimed_until=queue.now) for one in acceptances]

    accepted = _do(store, accept)

    def record(store: Store) -> None:
        for number, message in zip(numbers, accepted, strict=True):
            assert isinstance(message, int)
            store.record([queue.fate(number, DeliveryKey(message, 0))])

    _do(store, record)


def _do(store: Store, operation: Callable[[Store], T]) -> T:
    done: list[T] = []
    store.commit([lambda store: done.append(operation(store))], durable=False)[0].unwrap()
    return done[-1]
