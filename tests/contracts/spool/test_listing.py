"""The Spool contract, what people find: each selector, in order, page by page, whatever comes and goes meanwhile."""

import pytest
from attrs import evolve

from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.ids import DeliveryId
from empath.mail.progress import Progress, encode_progress
from empath.mail.waiting import WaitReason
from empath.smtp import Reply
from empath.spool import keeping
from empath.spool.contract import (
    EVERYTHING,
    Acceptance,
    Delete,
    Demand,
    Finished,
    Hold,
    Quarantined,
    Selector,
    Spool,
    Waiting,
)
from empath.spool.finding import looking
from tests.contracts.spools import NOW, Machine, claim, message, mid

BUSY = encode_progress(
    Progress(last=Diagnosis(kind=Kind.DNS, phase=Phase.RCPT, reply=Reply(451, "Try again later"), text="not now"))
)
LOST = encode_progress(Progress(last=Diagnosis(kind=Kind.DNS, phase=Phase.END, text="the connection was lost")))


def letter(number: int, recipient: str, *, priority: int = 0, next_attempt: float = NOW) -> Acceptance:
    """From one of two senders; the later, the younger."""
    made = message(number, recipient.partition("@")[2], body=b"x" * number, next_attempt=next_attempt)
    sender = "Billing@client.example" if number % 2 else ""
    return evolve(made, received=NOW + number, sender=sender, recipients=(recipient,), priority=priority)


@pytest.fixture(params=[True, False], ids=["listed", "new"])
async def busy(request: pytest.FixtureRequest, spool: Spool) -> Spool:
    """A spool with a delivery in every state; number 0 is pending."""
    await spool.accept(letter(0, "ann@a.example"))
    await spool.accept(letter(1, "Ann@a.example"))  # in progress
    await spool.accept(letter(2, "bob@b.example"))  # retry
    await spool.accept(letter(3, "bob@b.example"))  # uncertain
    await spool.accept(letter(4, "cid@c.example"))  # held
    await spool.accept(letter(5, "cid@c.example"))  # failed
    await spool.accept(letter(6, "cid@c.example"))  # expired
    await spool.accept(letter(7, "dan@d.example"))  # quarantined
    await spool.accept(letter(8, "dan@d.example"))  # deleted
    await spool.accept(letter(9, "eve@e.example", priority=3, next_attempt=NOW + 500))
    keys = {one.mid.number: one.deliveries[0].key for one in (await claim(spool)).claims}
    await spool.record(
        [
            Waiting(key=keys[0], next_attempt=NOW, attempts=0, status=Status.PENDING),
            Waiting(key=keys[2], next_attempt=NOW + 60, attempts=2, last=BUSY),
            Waiting(key=keys[3], next_attempt=NOW + 60, attempts=1, last=LOST, status=Status.UNCERTAIN),
            Finished(key=keys[5], status=Status.FAILED, at=NOW, attempts=1, last=BUSY),
            Finished(key=keys[6], status=Status.EXPIRED, at=NOW, attempts=1),
            Quarantined(key=keys[7], reason="torn"),
            *[Waiting(key=keys[number], next_attempt=NOW, attempts=0, status=Status.PENDING) for number in (4, 8)],
        ]
    )
    await spool.apply(Hold("on request"), Selector(ids=frozenset({mid(4)})), now=NOW + 1)
    await spool.apply(Delete("spam"), Selector(ids=frozenset({mid(8)})), now=NOW + 1)
    if request.param:
        for _ in range(3):
            await spool.tend()
    return spool


def selector(**conditions: object) -> Selector:
    return Selector(**{name: frozenset(one) if isinstance(one, set) else one for name, one in conditions.items()})  # type: ignore[arg-type] # each test gives what its field takes


SELECTORS: list[tuple[Selector, list[int]]] = [
    (EVERYTHING, [0, 1, 2, 3, 4, 5, 6, 7, 9]),
    (selector(statuses={Status.PENDING}), [0, 9]),
    (selector(statuses={Status.IN_PROGRESS}), [1]),
    (selector(statuses={Status.RETRY}), [2]),
    (selector(statuses={Status.UNCERTAIN, Status.RETRY}), [2, 3]),
    (selector(statuses={Status.HELD}), [4, 7]),
    (selector(statuses={Status.FAILED}), [5]),
    (selector(statuses={Status.EXPIRED, Status.FAILED}), [5, 6]),
    (selector(statuses={Status.COMPLETED}), []),
    (selector(in_trash=True), [8]),
    (selector(domains={"b.example"}), [2, 3]),
    (selector(domains={"b.example", "a.example", "none.example"}), [0, 1, 2, 3]),
    (selector(recipient="ann@A.example"), [0, 1]),
    (selector(recipient="ann"), []),
    (selector(sender="billing@client.example"), [1, 3, 5, 7, 9]),
    (selector(sender=""), [0, 2, 4, 6]),
    (selector(sender="", domains={"c.example"}), [4, 6]),
    (selector(received_before=NOW + 2), [0, 1]),
    (selector(received_after=NOW + 6), [6, 7, 9]),
    (selector(reply="451*AGAIN*"), [2, 5]),
    (selector(reply="*lost"), [3]),
    (selector(reply=""), [0, 1, 4, 6, 7, 9]),
    (selector(reasons={WaitReason.DUE}), [0]),
    (selector(reasons={WaitReason.RETRY_BACKOFF, WaitReason.SCHEDULED}), [2, 9]),
    (selector(reasons={WaitReason.IN_FLIGHT, WaitReason.HELD, WaitReason.UNCERTAIN}), [1, 3, 4, 7]),
    (selector(priorities={3}), [9]),
    (selector(priorities={0, 3}, domains={"e.example"}), [9]),
    (selector(ids={mid(3), mid(1), mid(8), mid(77)}), [1, 3]),
    (selector(ids={DeliveryId(mid(3), 0), DeliveryId(mid(1), 1)}), [3]),
    (selector(ids={mid(3), mid(2)}, statuses={Status.RETRY}), [2]),
]


@pytest.mark.parametrize(("chosen", "expected"), SELECTORS)
async def test_a_selector_finds_what_it_means_in_order(busy: Spool, chosen: Selector, expected: list[int]) -> None:
    page = await busy.find(chosen, now=NOW)
    assert ([row.mid.number for row in page.rows], page.cursor) == (expected, None)
    assert await busy.count(chosen, now=NOW) == len(expected)


async def test_a_row_shows_all_there_is_to_see(busy: Spool) -> None:
    rows = {row.mid.number: row for row in (await busy.find(EVERYTHING, now=NOW)).rows}
    retry, held, damaged = rows[2], rows[4], rows[7]
    assert (retry.sender, retry.recipient, retry.domain) == ("", "bob@b.example", "b.example")
    assert (retry.size_bytes, retry.received, retry.next_attempt) == (2, NOW + 2, NOW + 60)
    assert (retry.attempts, retry.reply, str(retry.id)) == (2, "451 Try again later", f"{mid(2)}.0")
    assert (held.note, held.since, held.is_damaged) == ("on request", NOW + 1, False)
    assert (damaged.note, damaged.is_damaged) == ("torn", True)
    assert rows[9].priority == 3
    (deleted,) = (await busy.find(Selector(in_trash=True), now=NOW)).rows
    assert (deleted.is_deleted, deleted.note, deleted.status) == (True, "spam", Status.PENDING)


async def test_what_is_set_aside_is_found_by_its_site_and_its_reason_is_for_that_to_tell(spool: Spool) -> None:
    for number in range(3):
        await spool.accept(message(number, f"{number}.example"))
    await claim(spool, latest=NOW + 100, demand=Demand(rooms={"1.example": 0, "2.example": 0}))
    (row,) = (await spool.find(selector(sites_aside={"1.example"}), now=NOW)).rows
    assert (row.mid, row.aside, row.wait(NOW), row.status) == (mid(1), "1.example", None, Status.PENDING)
    assert await spool.count(selector(sites_aside={"1.example", "2.example", "x"}), now=NOW) == 2


@pytest.mark.parametrize("look", [3, 500])
async def test_pages_show_each_delivery_once_whatever_comes_and_goes(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    monkeypatch.setattr(looking, "LOOK", look)
    for number in range(20):
        domains = ["a.example", "b.example", "a.example"]
        await spool.accept(evolve(message(number, *domains), recipients=tuple(f"u@{one}" for one in domains)))
    for chosen, expected in ((selector(domains={"a.example"}), 2), (EVERYTHING, 3)):
        seen: list[tuple[int, int]] = []
        cursor: str | None = None
        for turn in range(200):
            page = await spool.find(chosen, now=NOW, cursor=cursor, limit=7)
            assert len(page.rows) <= 7
            seen += [(row.mid.number, row.key.ordinal) for row in page.rows if row.mid.number < 20]
            await spool.accept(message(100 * expected + 50 + turn, "b.example", next_attempt=NOW + 50))
            await spool.tend()
            cursor = page.cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 20 * expected
        assert seen == sorted(seen)


async def test_a_delivery_is_found_as_soon_as_it_is_accepted_and_while_it_is_being_listed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PORTION", 3)
    for number in range(60):
        await spool.accept(evolve(message(number, "a.example"), recipients=(f"u{number % 2}@a.example",)))
        await spool.tend()
        assert await spool.count(selector(recipient="u0@a.example"), now=NOW) == number // 2 + 1
        assert await spool.count(selector(domains={"a.example"}), now=NOW) == number + 1


async def test_what_was_listed_is_found_after_the_spool_was_opened_again(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for number in range(6):
            await spool.accept(message(number))
            await spool.tend()
        for one in (await claim(spool)).claims:
            await spool.record([Finished(key=each.key) for each in one.deliveries])
    async with machine.place.open() as spool:
        await spool.accept(message(10))
        assert await spool.count(selector(domains={"example.org"}), now=NOW) == 1


@pytest.mark.parametrize("cursor", ["", "1", "1.", "x.1", "1.-1", "1.1.1", "9" * 30 + ".1", "²." + "1"])
async def test_what_is_no_cursor_is_refused(spool: Spool, cursor: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor"):
        await spool.find(EVERYTHING, now=NOW, cursor=cursor)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_page_that_is_full_at_the_end_may_be_followed_by_an_empty_one_only(spool: Spool, limit: int) -> None:
    for number in range(limit):
        await spool.accept(message(number))
    page = await spool.find(EVERYTHING, now=NOW, limit=limit)
    assert len(page.rows) == limit
    if page.cursor is not None:
        assert (await spool.find(EVERYTHING, now=NOW, cursor=page.cursor)).rows == ()
