"""Finding records: by name, by what they say, in plain and in packed files, within bounds."""

import gzip
from contextlib import aclosing
from typing import Any

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from empath.config.schema import Redaction
from empath.mail.ids import DeliveryId
from empath.mail.operator_facts import OperatorActed
from empath.ops.audit import packing
from empath.ops.audit.attempts import Attempts
from empath.ops.audit.blocks import Unreadable
from empath.ops.audit.history import Limit, names_for
from empath.ops.audit.packing import Entry, entries_of, signature_of
from empath.ops.audit.redaction import Redactor
from empath.ops.audit.seeking import Sought
from empath.smtp import Address
from tests.ops.audit.shelf import EARLIER, KEY, TODAY, YESTERDAY, Shelf, told
from tests.ops.facts import BUSY, MESSAGE, NOW, UNKNOWN, accepted, attempted, ended
from tests.ops.facts import told as reported

BOB = Address.parse("Bob@Example.net")


async def found(shelf: Shelf, sought: Sought) -> list[Any]:
    async with aclosing(shelf.search.hits(sought)) as hits:
        return [hit.record async for some in hits for hit in some]


def about(*names: str) -> Sought:
    return Sought(names=(frozenset(names),))


async def test_a_name_is_found_wherever_a_record_has_it_and_in_whatever_capitals() -> None:
    shelf = Shelf()
    await shelf.put(TODAY, told(accepted()), told(attempted(to=BOB)), told(reported()), b"{}\n", b"no record\n")
    events = {
        name: [one["event"] for one in await found(shelf, about(name))]
        for name in ("ann@example.org", "bob@example.net", "billing@example.com", str(MESSAGE), "6911ccff-9", "nobody")
    }
    assert events == {
        "ann@example.org": ["received"],
        "bob@example.net": ["attempt"],
        "billing@example.com": ["received", "attempt", "dsn"],
        str(MESSAGE): ["received", "attempt", "dsn"],
        "6911ccff-9": ["dsn"],
        "nobody": [],
    }


async def test_all_that_is_said_must_be_met() -> None:
    shelf = Shelf()
    later = attempted(BUSY, at=NOW + 60)
    await shelf.put(TODAY, told(accepted()), told(attempted(UNKNOWN)), told(later), told(attempted(to=BOB)))
    chosen = {
        "events": Sought(events=frozenset({"received"})),
        "outcomes": Sought(outcomes=frozenset({"deferred"})),
        "lanes": Sought(lanes=frozenset({"nowhere.example"})),
        "domains": Sought(domains=frozenset({"example.net"})),
        "reply": Sought(reply="550*unknown*"),
        "since": Sought(since=NOW + 1),
        "until": Sought(until=NOW + 1, outcomes=frozenset({"deferred", "bounced"})),
        "both names": Sought(names=(frozenset({str(MESSAGE)}), frozenset({"bob@example.net"}))),
    }
    counts = {name: len(await found(shelf, sought)) for name, sought in chosen.items()}
    assert counts == {
        "events": 1,
        "outcomes": 1,
        "lanes": 0,
        "domains": 1,
        "reply": 1,
        "since": 1,
        "until": 1,
        "both names": 1,
    }


async def test_the_newest_file_comes_first_and_packed_ones_are_searched_by_their_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packing, "MEMBER_BYTES", 500)
    shelf = Shelf()
    many = [told(attempted(to=Address.parse(f"u{number}@example.org"), at=EARLIER), number) for number in range(30)]
    await shelf.put(YESTERDAY, *many, packed=True)
    await shelf.put(TODAY, told(attempted(to=Address.parse("u7@example.org"))))
    assert [one["seq"] for one in await found(shelf, about("u7@example.org"))] == [1, 7]
    entries = [
        one
        async for one in entries_of(shelf.archive.disk, shelf.archive.path.with_name(f"audit-{YESTERDAY}.jsonl.idx"))
    ]
    assert len(entries) > 5
    assert sum(map(about("u7@example.org").may_be_in, entries)) == 1
    assert not any(map(Sought(since=NOW).may_be_in, entries))


async def test_without_its_index_a_packed_file_is_searched_as_a_whole() -> None:
    shelf = Shelf()
    file = await shelf.put(YESTERDAY, told(attempted(at=EARLIER)), packed=True)
    index = file.with_name(f"{file.name}.idx")
    disk = shelf.world.world.disk
    for damage in (b"", b"nonsense", b"empath.audit-index/1\n\x00\x01"):
        await disk.write(index, [damage])
        assert len(await found(shelf, about(str(MESSAGE)))) == 1
    await disk.unlink(index)
    assert len(await found(shelf, about(str(MESSAGE)))) == 1


async def test_gzip_of_others_is_read_and_a_damaged_file_is_said_to_be() -> None:
    shelf = Shelf()
    disk, file = shelf.world.world.disk, await shelf.put(TODAY, told(attempted()))
    async with await disk.open(file) as plain:
        content = gzip.compress(await plain.read(10_000))
    await disk.unlink(file)
    packed = file.with_name(f"{file.name}.gz")
    await disk.write(packed, [content])
    assert len(await found(shelf, about(str(MESSAGE)))) == 1
    for damaged in (content[:-20], b"x" * 100):
        await disk.write(packed, [damaged])
        with pytest.raises(Unreadable):
            await found(shelf, about(str(MESSAGE)))
        result = await shelf.history().find(str(MESSAGE), since=0.0)
        assert result.limit is Limit.UNREADABLE


async def test_hashed_addresses_are_found_by_who_has_the_key() -> None:
    shelf = Shelf()
    redactor = Redactor(sender=Redaction.HASH, recipients=Redaction.HASH, key=KEY)
    await shelf.put(TODAY, *[told(fact, 1, redactor) for fact in (accepted(), attempted())])
    assert names_for("Ann@Example.org ", None) == {"ann@example.org"}
    assert (await shelf.history().find("ann@example.org", since=0.0)).records == []
    (story,) = (await shelf.history(key=KEY).find("Ann@example.org", since=0.0)).stories()
    assert (story.recipient, story.sender[:5], story.state) == ("Ann@example.org", "hash:", "delivered")


async def test_a_search_is_bounded_by_records_and_by_time(autojump_clock: MockClock) -> None:
    shelf = Shelf()
    await shelf.put(TODAY, *[told(attempted(), number) for number in range(10)])
    few = await shelf.history(max_records=3).find(str(MESSAGE), since=0.0)
    assert ([one["seq"] for one in few.records], few.limit) == ([0, 1, 2], Limit.RECORDS)
    history = shelf.history(timeout_s=5)
    async with trio.open_nursery() as nursery:

        async def hold() -> None:
            async with history._turn:
                await trio.sleep(60)

        nursery.start_soon(hold)
        await trio.testing.wait_all_tasks_blocked()
        late = await history.find(str(MESSAGE), since=0.0)
    assert (late.records, late.limit) == ([], Limit.TIME)
    assert (await history.find(str(MESSAGE), since=0.0)).limit is None


async def test_what_is_packed_or_removed_while_it_is_searched_does_no_harm() -> None:
    shelf = Shelf()
    await shelf.put(TODAY, told(attempted()))
    await shelf.put(YESTERDAY, told(attempted(at=EARLIER)))
    volumes = await shelf.archive.volumes()
    await shelf.put(TODAY, packed=True)
    await shelf.world.world.disk.unlink(volumes[1].plain or shelf.archive.path)
    async with aclosing(shelf.search.hits(about(str(MESSAGE)), volumes)) as hits:
        assert [len(some) async for some in hits] == [1]


@given(st.lists(st.text(min_size=1, max_size=20), max_size=40), st.text(min_size=1, max_size=20))
def test_an_index_never_misses_a_name_that_is_there(names: list[str], other: str) -> None:
    signatures = b"".join(sorted({signature_of(name) for name in names}))
    entry = Entry(offset=0, size_bytes=1, first=0, last=1, signatures=signatures)
    assert all(entry.may_have(signature_of(name)) for name in names)
    assert not names or entry.may_have(signature_of(other)) is (signature_of(other) in map(signature_of, names))


async def test_a_story_tells_what_became_of_a_delivery() -> None:
    shelf = Shelf()
    came = accepted(at=NOW - 1866)
    first, last = attempted(BUSY, at=NOW - 1800, attempt=1), attempted(at=NOW, attempt=2)
    await shelf.put(TODAY, told(came), told(first), told(last))
    (story,) = (await shelf.history().find("ANN@example.org", since=0.0)).stories()
    assert (story.state, story.attempts, story.hello, story.client) == ("delivered", 2, "app1", "192.0.2.50")
    assert story.at is not None
    assert story.received is not None
    assert round(story.at - story.received) == 1866
    assert [(step.outcome, step.about) for step in story.steps] == [("deferred", "greylisted"), ("delivered", "ok")]


async def test_each_recipient_has_a_story_and_an_address_only_its_own() -> None:
    shelf = Shelf()
    envelope = accepted().envelope
    both = evolve(envelope, recipients=(*envelope.recipients, evolve(envelope.recipients[0], address=BOB)))
    together = Attempts([attempted(), evolve(attempted(to=BOB), delivery=DeliveryId(MESSAGE, 1))])
    await shelf.put(TODAY, told(evolve(accepted(), envelope=both)), told(together), told(ended()))
    everybody = (await shelf.history().find(str(MESSAGE), since=0.0)).stories()
    assert [(one.recipient, one.delivery) for one in everybody] == [
        ("ann@example.org", f"{MESSAGE}.0"),
        ("Bob@Example.net", f"{MESSAGE}.1"),
    ]
    (bob,) = (await shelf.history().find("bob@example.net", since=0.0)).stories()
    assert (bob.recipient, bob.state) == ("bob@example.net", "delivered")
    assert len((await shelf.history().find("billing@example.com", since=0.0)).stories()) == 2


async def test_a_story_tells_of_bounces_reports_and_what_operators_did() -> None:
    shelf = Shelf()
    held = OperatorActed(
        at=NOW - 5,
        by="unix:ann",
        verb="hold",
        selector="--domain example.org",
        why="look at it",
        count=1,
        skipped=0,
        job=3,
        deliveries=(f"{MESSAGE}.0",),
    )
    facts = (accepted(at=NOW - 9), held, attempted(UNKNOWN), ended(), reported())
    await shelf.put(TODAY, *[told(fact) for fact in facts])
    (failed,) = (await shelf.history().find(str(MESSAGE), since=0.0)).stories()
    (report,) = (await shelf.history().find("6911ccff-9", since=0.0)).stories()
    assert [step.event for step in failed.steps] == ["held", "attempt", "bounced"]
    assert (failed.steps[0].by, failed.steps[0].job, failed.steps[0].reason) == ("unix:ann", 3, "look at it")
    assert (failed.state, failed.steps[2].report) == ("bounced", report.mid)
    assert (report.recipient, report.sender, report.hello) == ("billing@example.com", "", f"here, about {MESSAGE}")
    later = evolve(held, at=NOW + 9, verb="delete")
    back = evolve(held, at=NOW + 10, verb="undelete")
    states = []
    for records in ((later,), (later, back)):
        other = Shelf()
        await other.put(TODAY, *map(told, (accepted(at=NOW - 9), *records)))
        (story,) = (await other.history().find(str(MESSAGE), since=0.0)).stories()
        states.append(story.state)
    assert states == ["deleted", "released"]
