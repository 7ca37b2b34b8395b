"""A spool with something of every kind in it, and all that can be known of one."""

from typing import Any, Final
from zlib import crc32

from attrs import evolve

from empath.mail.delivery import Status
from empath.spool.belonging import BODIES
from empath.spool.contract import (
    Acceptance,
    BodyFile,
    Delete,
    DeliveryKey,
    Fail,
    Fate,
    Finished,
    Hold,
    Quarantined,
    Row,
    Selector,
    StoredRule,
    Waiting,
)
from empath.spool.conversion import Side
from empath.spool.conversion.moved import rows_of
from empath.spool.store import Store
from empath.spool.stored import checksum
from empath.world.draft import Draft
from tests.contracts.spools import NOW, message

LARGE: Final = bytes(number % 251 for number in range(600_000))
BLOCK_BYTES: Final = 1 << 20


def fill(side: Side, large: bytes = LARGE) -> None:
    """Put something of every kind into a spool, a body in a file among it."""
    path = side.path / BODIES / "large.0"
    draft = Draft(side.calls, path, path.with_name("large.tmp"))
    draft.begin()
    draft.append(large)
    draft.finish()
    body = BodyFile(name="large.0", size_bytes=len(large), checksum=checksum(large))
    side.do(lambda store: store.accept(full(1, 2, body=body)))
    side.do(lambda store: store.accept(full(2, 9)))
    side.do(lambda store: store.accept(evolve(full(3, 1), priority=-4, sender="")))
    side.do(_live)
    side.do(lambda store: store.put_rule(StoredRule(id="suspend-1", kind="suspension", body=b"\0rule")))


def full(number: int, deliveries: int, body: bytes | BodyFile = b"body\r\n") -> Acceptance:
    domains = [f"d{ordinal}.example" for ordinal in range(deliveries)]
    made = message(number, *domains, body=body, next_attempt=NOW + number)
    return evolve(made, sender="Ann@example.org", recipients=tuple([f"u{at}@{one}" for at, one in enumerate(domains)]))


def _live(store: Store) -> None:
    """Let a state befall each delivery of the second message."""
    rows = list(rows_of(store, Selector(), NOW))
    keys = [row.key for row in rows if row.mid.number == 2]
    waiting = [
        Waiting(key=keys[0], next_attempt=NOW + 77, attempts=3, last=b"deferred"),
        Waiting(key=keys[1], next_attempt=NOW + 78, attempts=1, last=b"lost", status=Status.UNCERTAIN),
        *[Waiting(key=key, next_attempt=NOW + 79, attempts=2, last=b"why") for key in keys[2:8]],
    ]
    fates: list[Fate] = [
        Finished(key=keys[3], status=Status.FAILED, at=NOW + 5, attempts=3, last=b"no such user"),
        Finished(key=keys[4], status=Status.EXPIRED, at=NOW + 6, attempts=4, last=b"greylisted"),
        Quarantined(key=keys[5], reason="torn"),
        Finished(key=keys[8]),
    ]
    store.record(waiting)
    store.record(fates)
    by_key = {row.key: row for row in rows_of(store, Selector(), NOW)}
    store.apply(Hold("on purpose"), [by_key[keys[2]]], now=NOW + 8)
    store.apply(Fail("enough"), [by_key[keys[6]]], now=NOW + 9)
    store.apply(Delete("spam"), [by_key[keys[7]], by_key[keys[3]]], now=NOW + 10)


def picture(side: Side) -> dict[str, Any]:
    """All that can be known of a spool, without the numbers of its messages."""
    rows = [
        *side.do(lambda store: all_of(store, Selector())),
        *side.do(lambda store: all_of(store, Selector(in_trash=True))),
    ]
    numbers = {row.key.message: str(row.mid) for row in rows}
    order = list(dict.fromkeys(str(row.mid) for row in sorted(rows, key=lambda row: row.key.message)))
    return {
        "rows": sorted(
            [evolve(row, key=DeliveryKey(0, row.key.ordinal)) for row in rows],
            key=lambda row: (str(row.mid), row.key.ordinal),
        ),
        "messages": side.do(lambda store: {name: store.message(number) for number, name in numbers.items()}),
        "order": order,
        "rules": side.do(lambda store: store.rules()),
        "statistics": side.do(lambda store: store.statistics()),
        "bodies": {name: crc32(content_of(side, name)) for name in sorted(side.calls.names(str(side.path / BODIES)))},
    }


def content_of(side: Side, name: str) -> bytes:
    """All of a body file."""
    pieces, at = [], 0
    handle = side.calls.open(str(side.path / BODIES / name))
    while piece := side.calls.read_at(handle, BLOCK_BYTES, at):
        pieces.append(piece)
        at += len(piece)
    side.calls.close(handle)
    return b"".join(pieces)


def all_of(store: Store, selector: Selector) -> list[Row]:
    """All deliveries that a selector chooses, within a transaction."""
    return list(rows_of(store, selector, NOW))
