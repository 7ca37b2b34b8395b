"""The Spool contract: looking at all of a spool while it is used."""

from typing import Any

import pytest
import trio
from attrs import evolve

from empath.mail.envelope import Envelope, Recipient
from empath.mail.record import encode_envelope
from empath.smtp import Address
from empath.spool.contract import Acceptance, Body, BodyFile, Fault, Finding, Finished, Spool, Verified
from empath.spool.inspection import SETTLE_S
from tests.contracts.spools import NOW, Place, claim, message, mid

LARGE = bytes(at % 251 for at in range(200_000))
MANY = 120
"""More than a portion."""


def sound(number: int, body: Body = b"body") -> Acceptance:
    recipients = (Recipient(Address.parse("ann@example.org")),)
    envelope = Envelope(reverse_path=None, recipients=recipients, received=NOW)
    return evolve(message(number, body=body), envelope=encode_envelope(envelope))


async def large(spool: Spool, number: int) -> BodyFile:
    draft = await spool.draft_body(mid(number))
    await draft.write(LARGE)
    return await draft.commit()


async def verify(spool: Spool) -> tuple[list[Verified], list[Finding]]:
    """All portions, and what was found in them. A wait of the verification takes no time here."""
    portions: list[Verified] = []
    cursor: str | None = None
    while not portions or cursor is not None:
        portions.append(await spool.verify(cursor))
        cursor = portions[-1].cursor
    return portions, [one for portion in portions for one in portion.findings]


async def test_a_sound_spool_is_sound_and_all_of_it_was_looked_at(spool: Spool) -> None:
    for number in range(1, MANY):
        await spool.accept(sound(number))
    await spool.accept(sound(MANY, await large(spool, MANY)))
    portions, findings = await verify(spool)
    assert findings == []
    assert (sum(one.messages for one in portions), sum(one.deliveries for one in portions)) == (MANY, MANY)
    assert sum(one.files for one in portions) == 1
    assert sum(one.size_bytes for one in portions) == 4 * (MANY - 1) + len(LARGE)
    assert len(portions) >= 4


async def test_a_message_without_its_body_is_named_once_it_is_certain(place: Place, autojump_clock: Any) -> None:
    async with place.open() as spool:
        body = await large(spool, 1)
        await spool.accept(sound(1, body))
        await spool.accept(sound(2))
        await place.world.disk.unlink(place.path / "bodies" / body.name)
        _, findings = await verify(spool)
        (found,) = findings
        assert (found.state, found.name) == (Fault.DAMAGED, str(mid(1)))
        assert found.detail.endswith("is missing")


async def test_a_message_that_goes_out_meanwhile_is_not_damaged(place: Place, autojump_clock: Any) -> None:
    async with place.open() as spool:
        await spool.accept(sound(1, await large(spool, 1)))
        claimed = await claim(spool)

        async def deliver() -> None:
            await trio.sleep(SETTLE_S / 2)
            await spool.record([Finished(key=one.key) for each in claimed.claims for one in each.deliveries])

        (body,) = [one.body for one in claimed.claims]
        assert isinstance(body, BodyFile)
        await place.world.disk.unlink(place.path / "bodies" / body.name)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deliver)
            assert (await verify(spool))[1] == []


async def test_a_file_that_no_message_needs_is_named_and_one_that_is_accepted_meanwhile_is_not(
    place: Place, autojump_clock: Any
) -> None:
    async with place.open() as spool:
        left = await large(spool, 1)
        taken = await large(spool, 2)
        unfinished = await spool.draft_body(mid(3))

        async def accept() -> None:
            await trio.sleep(SETTLE_S / 2)
            await spool.accept(sound(2, taken))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept)
            _, findings = await verify(spool)
        assert [(one.state, one.name) for one in findings] == [(Fault.LEFTOVER, str(place.path / "bodies" / left.name))]
        await unfinished.discard()


async def test_an_envelope_that_makes_no_sense_is_named(spool: Spool) -> None:
    await spool.accept(message(1))
    _, findings = await verify(spool)
    assert [(one.state, one.name) for one in findings] == [(Fault.DAMAGED, str(mid(1)))]


@pytest.mark.parametrize("cursor", ["x.1", "m.-1", "m.1x", "1"])
async def test_what_is_no_cursor_is_refused(spool: Spool, cursor: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor"):
        await spool.verify(cursor)
