"""Messages that are not what was accepted: they are put away and named, no host gets them, all others go out."""

from pathlib import PurePath

import pytest
import trio
from trio.testing import MockClock

from empath.mail.ids import MessageId
from empath.sim.remote import OFFERS
from empath.smtp import Extensions
from empath.spool.contract import Acceptance, BodyFile
from empath.spool.memory import MemoryStore
from tests.delivery.stage import Stage, stage

DAYS_S = 10 * 86_400.0
CONTENT = b"Subject: x\r\n\r\n" + b"x" * 98 + b"\r\n"
CHUNKING = Extensions.of(*OFFERS.lines, "CHUNKING")


async def body(place: Stage, number: int) -> BodyFile:
    draft = await place.spool.draft_body(MessageId(1, number))
    for _ in range(3000):  # several blocks
        await draft.write(CONTENT)
    return await draft.commit()


def unreadable(place: Stage, number: int, recipients: int = 1) -> Acceptance:
    """A message with an envelope that makes no sense."""
    now, domains = place.world.clock.now(), ("example.org",) * recipients
    mid = MessageId(1, number)
    return Acceptance(mid=mid, received=now, envelope=b"?", body=b"", domains=domains, next_attempt=now)


def path_of(body: BodyFile) -> PurePath:
    return PurePath("/spool/bodies") / body.name


async def is_put_away(place: Stage, mid: MessageId, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """A message is in quarantine for this reason, stays there, and the log has told so once, with what to do."""
    await trio.sleep(DAYS_S)
    assert [(one.mid, reason in one.reason) for one in await place.spool.quarantine()] == [(str(mid), True)]
    assert (await place.spool.statistics()).messages == 1
    (said,) = [line for line in caplog.messages if "quarantine" in line]
    assert str(mid) in said
    assert reason in said
    assert "empath spool verify" in said


async def test_an_envelope_that_cannot_be_read(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        mid = MessageId(1, 1)
        await place.spool.accept(unreadable(place, 1, recipients=2))
        await place.put("b@example.org")
        await is_put_away(place, mid, "its envelope cannot be read", caplog)
        assert len(server.taken) == 1


@pytest.mark.parametrize("offers", [OFFERS, CHUNKING], ids=["DATA", "BDAT"])
async def test_a_body_with_an_octet_that_is_another_one(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, offers: Extensions
) -> None:
    """Its end is what shows it, and the host does not get the end."""
    async with stage() as place:
        server = await place.server("example.org", offers=offers)
        stored = await body(place, 1)
        content = CONTENT * 3000
        await place.world.world.disk.write(path_of(stored), [b"s", content[1:]])
        mid = await place.put("b@example.org", "c@example.org", body=stored)
        await place.put("b@example.org", body=await body(place, 2))
        await is_put_away(place, mid, "is not what was accepted (checksum)", caplog)
        (taken,) = server.taken
        assert taken.content == content


async def test_at_the_next_start_what_is_in_quarantine_is_named_again(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    async with stage(open_store=lambda: store) as place:
        for number in range(12):
            await place.spool.accept(unreadable(place, number))
        await trio.sleep(60)
    caplog.clear()
    async with stage(open_store=lambda: store):
        await trio.sleep(60)
    assert [str(MessageId(1, number)) in line for number, line in enumerate(caplog.messages[:10])] == [True] * 10
    assert caplog.messages[10:] == ["12 messages are in quarantine in all"]


async def test_a_body_that_is_missing(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        stored = await body(place, 1)
        await place.world.world.disk.unlink(path_of(stored))
        mid = await place.put("b@example.org", body=stored)
        await place.put("b@example.org")
        await is_put_away(place, mid, f"its body {path_of(stored)} is missing", caplog)
        assert len(server.taken) == 1
