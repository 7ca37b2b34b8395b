"""Damage in the tables: the message that has it is put away and named, all others are claimed.

As ``test_damage`` has it of SQLite and ``test_files`` of files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

import pytest
from attrs import evolve

from empath.sim import SimulatedWorld
from empath.spool.contract import Spool
from empath.world.offload import ThreadOffload
from tests.contracts.spools import NOW, InDatabase, claim, message, mid, numbers
from tests.postgres import PostgresServer

LONG: Final = {number: Random(number).randbytes(30_000) for number in (1, 2, 3)}
"""Each fills pages of its own, which the server does not make smaller."""
PAGE_BYTES: Final = 8192
_MID: Final = str(mid(2))
HARM: Final = {
    "an envelope that was changed": (
        f"UPDATE message SET envelope = '\\x00' WHERE mid = '{_MID}'",
        "envelope .*checksum",
    ),
    "a body that was changed": (
        f"UPDATE message SET body = convert_to(repeat('x', 30000), 'UTF8') WHERE mid = '{_MID}'",
        "body .*checksum",
    ),
    "a body that was cut": (f"UPDATE message SET body = '\\x00' WHERE mid = '{_MID}'", "has 1 octets; 30000 were"),
    "a body that is not there": (f"UPDATE message SET body = NULL WHERE mid = '{_MID}'", "has 0 octets"),
    "a name that is none": (f"UPDATE message SET mid = 'x' WHERE mid = '{_MID}'", "its name is damaged"),
    "a row that is not there": (f"DELETE FROM message WHERE mid = '{_MID}'", "its row is not there"),
}


@pytest.fixture
def offload() -> Iterator[ThreadOffload]:
    made = ThreadOffload("test", threads=2)
    yield made
    made.close()


@contextmanager
def place_at(url: str, directory: Path, offload: ThreadOffload) -> Iterator[InDatabase]:
    made = InDatabase.make(url, directory, evolve(SimulatedWorld(1).world, offload=offload))
    yield made
    made.rows.end()


async def fill(place: InDatabase) -> None:
    async with place.open() as spool:
        for number, body in LONG.items():
            await spool.accept(message(number, body=body))


async def others_are_claimed(spool: Spool, reason: str) -> None:
    claimed = await claim(spool)
    assert numbers(claimed) == [1, 3]
    (damage,) = claimed.damaged
    assert await spool.quarantine() == [damage]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(damage.reason)
    assert (await spool.statistics()).quarantined == 1
    assert (await claim(spool, now=NOW + 3600)).claims == []


@pytest.mark.parametrize(("statement", "reason"), HARM.values(), ids=HARM)
async def test_a_message_that_is_not_what_was_accepted_is_put_away(
    postgres: PostgresServer, offload: ThreadOffload, tmp_path: Path, statement: str, reason: str
) -> None:
    url = postgres.emptied()
    with place_at(url, tmp_path, offload) as place:
        await fill(place)
        postgres.ask(statement, url=f"{url} options='-c search_path=empath'")
        async with place.open() as spool:
            await others_are_claimed(spool, reason)


async def test_a_row_whose_pages_cannot_be_read_is_put_away(
    postgres: PostgresServer, offload: ThreadOffload, tmp_path: Path
) -> None:
    url = postgres.fresh()
    with place_at(url, tmp_path, offload) as place:
        await fill(place)
        tear(postgres, url)
        async with place.open() as spool:
            await others_are_claimed(spool, "its row cannot be read")


def tear(postgres: PostgresServer, url: str) -> None:
    """Overwrite a page in the middle of the second body. A server that comes back sees it by the page's checksum."""
    ((path,),) = postgres.ask(
        "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = 'empath.message'::regclass", url=url
    )
    postgres.stop("fast")
    file = postgres.data / str(path)
    content = bytearray(file.read_bytes())
    at = content.index(LONG[2][15_000:15_050]) // PAGE_BYTES * PAGE_BYTES
    assert not any(body[:50] in content[at : at + PAGE_BYTES] for body in LONG.values())
    content[at + PAGE_BYTES // 2] ^= 0xFF
    file.write_bytes(content)
    postgres.start()
