"""Damage in the database: the message that has it is put away and named, all others are claimed."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import apsw
import pytest
from attrs import evolve, frozen

from empath.sim import SimulatedWorld
from empath.spool.contract import Demand, Statistics
from empath.spool.database import PAGE_BYTES
from empath.spool.grouped import GroupedSpool
from empath.spool.sqlite import open_database
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload
from tests.contracts.spools import NOW, Place, claim, message, mid, numbers

LONG = b"x" * 5 * PAGE_BYTES
HARM = {
    "an envelope that was changed": ("UPDATE message SET envelope = x'00' WHERE id = 2", "envelope .*checksum"),
    "a body that was changed": ("UPDATE message SET body = zeroblob(length(body)) WHERE id = 2", "body .*checksum"),
    "a body that was cut": ("UPDATE message SET body = x'00' WHERE id = 2", "has 1 octets; 20480 were accepted"),
    "a body that is not there": ("UPDATE message SET body = NULL WHERE id = 2", "has 0 octets"),
    "a name that is none": ("UPDATE message SET mid = 'x' WHERE id = 2", "its name is damaged"),
    "a row that is not there": ("DELETE FROM message WHERE id = 2", "its row is not there"),
}


@frozen
class Damaged:
    """A spool of three messages, the second of which can be harmed while nobody has it open."""

    place: Place
    database: Path

    async def fill(self) -> None:
        async with self.place.open() as spool:
            for number in (1, 2, 3):
                await spool.accept(message(number, body=LONG))

    def harm(self, statement: str) -> None:
        connection = apsw.Connection(str(self.database))
        connection.execute(statement)
        connection.close()

    def tear(self) -> None:
        """Overwrite a page in the middle of the second body, so that its row leads nowhere."""
        content = bytearray(self.database.read_bytes())
        starts = range(0, len(content), PAGE_BYTES)
        pages = [at for at in starts if content[at + 4 : at + PAGE_BYTES] == LONG[4:PAGE_BYTES]]
        assert len(pages) == 12
        content[pages[4] : pages[4] + 4] = b"\xff\xff\xff\x7f"  # the number of the page that follows it
        self.database.write_bytes(content)


@pytest.fixture
async def damaged(tmp_path: Path) -> AsyncIterator[Damaged]:
    offload = ThreadOffload("test", threads=2)
    disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
    world = evolve(SimulatedWorld(1).world, disk=disk, offload=offload)
    database = tmp_path / "queue.sqlite3"
    made = Damaged(Place(world, tmp_path, partial(open_database, str(database))), database)
    await made.fill()
    yield made
    offload.close()


async def others_are_claimed(spool: GroupedSpool, reason: str, demand: Demand | None = None) -> None:
    claimed = await claim(spool, demand=demand or Demand())
    assert numbers(claimed) == [1, 3]
    (damage,) = claimed.damaged
    assert await spool.quarantine() == [damage]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(damage.reason)
    assert (await spool.statistics()).quarantined == 1
    assert (await claim(spool, now=NOW + 3600)).claims == []


@pytest.mark.parametrize(("statement", "reason"), HARM.values(), ids=HARM)
async def test_a_message_that_is_not_what_was_accepted_is_put_away(
    damaged: Damaged, statement: str, reason: str
) -> None:
    damaged.harm(statement)
    async with damaged.place.open() as spool:
        await others_are_claimed(spool, reason)


async def test_a_row_whose_pages_cannot_be_read_is_put_away(damaged: Damaged) -> None:
    damaged.tear()
    async with damaged.place.open() as spool:
        await others_are_claimed(spool, "its row cannot be read: .*malformed")


@pytest.mark.parametrize("statement", [HARM["a row that is not there"][0]])
async def test_it_is_found_as_well_when_its_site_has_no_room(damaged: Damaged, statement: str) -> None:
    """What cannot be read is not set aside, where nobody would come to see it for days."""
    damaged.harm(statement)
    async with damaged.place.open() as spool:
        claimed = await claim(spool, demand=Demand(rooms={"example.org": 0}))
        assert (claimed.claims, [one.mid for one in claimed.damaged]) == ([], ["number 2"])


async def test_the_number_of_a_row_that_is_not_there_is_not_given_again(damaged: Damaged) -> None:
    damaged.harm("DELETE FROM message WHERE id = 3")
    async with damaged.place.open() as spool:
        await spool.accept(message(4))
        assert sorted(numbers(await claim(spool))) == [1, 2, 4]
        assert await spool.statistics() == Statistics(messages=3, waiting=0, claimed=3, quarantined=1)


async def test_a_row_without_checksums_is_believed(damaged: Damaged) -> None:
    damaged.harm("UPDATE message SET envelope_crc = NULL, body_crc = NULL, envelope = x'00' WHERE id = 2")
    async with damaged.place.open() as spool:
        assert numbers(await claim(spool)) == [1, 2, 3]


async def test_a_damaged_message_is_named_where_its_name_is_whole(damaged: Damaged) -> None:
    damaged.harm(HARM["an envelope that was changed"][0])
    async with damaged.place.open() as spool:
        assert [one.mid for one in (await claim(spool)).damaged] == [str(mid(2))]
