"""What PostgreSQL was promised to keep is there, once and whole, whatever ends what the daemon says to it.

The daemon is killed between any two words. The server goes on, and gets the last one, or does not; the next daemon
opens what is there. Or any statement fails, as it does when the disk of the server is full, and the daemon goes on.
``POWER_OUTCOMES`` is that of ``test_power``: with few of them CI goes through some of the points, always the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import trio
from attrs import evolve, frozen

from empath.sim import SimulatedWorld
from empath.spool.contract import SpoolFull
from empath.world.offload import ThreadOffload
from tests.contracts.spools import InDatabase
from tests.postgres import PostgresServer
from tests.spool.courses import COURSES, Course, Promises, back_up, check_place, goes_on
from tests.spool.cutter import MAKE_FAIL, Cutter, Spoiler
from tests.spool.test_power import OUTCOMES

NEVER: Final = 1 << 30
MOST: Final = 1 if OUTCOMES < 10 else NEVER
"""Points of one course."""


@frozen
class Client:
    """Who uses the database, through the cutter or not."""

    url: str
    directory: Path

    @contextmanager
    def place(self) -> Iterator[InDatabase]:
        offload = ThreadOffload("test", threads=2)
        made = InDatabase.make(self.url, self.directory, evolve(SimulatedWorld(1).world, offload=offload))
        try:
            yield made
        finally:
            made.rows.end()
            offload.close()

    def tell(self, course: Course, begin: Callable[[Promises], None]) -> Promises:
        with self.place() as place:
            return trio.run(goes_on, place, course, begin)

    def check(self, promises: Promises) -> None:
        with self.place() as place:
            trio.run(check_place, place, promises)


OURS: Final = pytest.mark.parametrize(
    "course", [course for course in COURSES if course is not back_up], ids=lambda course: course.__name__
)
"""A backup is made by the server."""


def enumerated(course: Course, postgres: PostgresServer, cutter: Cutter, directory: Path) -> Iterator[int]:
    """Let a course meet with trouble at each point, and see what is left of what was promised; each point before."""
    url = postgres.emptied()
    through = Client(f"host={directory} user=postgres dbname={url.rpartition('dbname=')[2]}", directory)
    direct = Client(url, directory)

    def begin(_: Promises, *, at: int) -> None:
        cutter.left = at

    direct.check(through.tell(course, partial(begin, at=NEVER)))
    count = NEVER - cutter.left
    step = max(1, count // MOST)
    points = range((step + 1) // 2, count + 1, step)
    for at in points:
        yield at
        postgres.emptied()
        cutter.revive()
        direct.check(through.tell(course, partial(begin, at=at)))
    print(f"{course.__name__}, postgres, {type(cutter).__name__}: {len(points)} of {count} points")


@OURS
@pytest.mark.parametrize("delivers", [False, True])
def test_a_daemon_that_is_killed_at_any_word_to_the_server_has_promised_nothing_that_is_not_kept(
    course: Course, postgres: PostgresServer, tmp_path: Path, delivers: bool
) -> None:
    sockets = f"{postgres.home}/.s.PGSQL.5432", f"{tmp_path}/.s.PGSQL.5432"
    with Cutter(*sockets, kills=True, delivers=delivers).running() as cutter:
        assert list(enumerated(course, postgres, cutter, tmp_path))


@OURS
def test_a_statement_that_fails_for_want_of_room_takes_nothing_that_was_promised(
    course: Course, postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.emptied()
    with Spoiler(f"{postgres.home}/.s.PGSQL.5432", f"{tmp_path}/.s.PGSQL.5432").running() as spoiler:
        postgres.ask(MAKE_FAIL, url=postgres.emptied())
        assert list(enumerated(course, postgres, spoiler, tmp_path))


@pytest.mark.parametrize("is_large", [False, True])
def test_a_server_whose_disk_is_full_is_said_to_be_full(
    postgres: PostgresServer, tmp_path: Path, is_large: bool
) -> None:
    """At whichever statement: so the client is told 452, and comes again."""
    url = postgres.emptied()
    postgres.ask(MAKE_FAIL, url=url)

    async def offer(place: InDatabase, number: int, at: int) -> None:
        async with place.open() as spool:
            await spool.wait_news()  # it is connected
            spoiler.left = at
            promises = Promises()
            await (promises.accept_large if is_large else promises.accept)(spool, number)

    sockets = f"{postgres.home}/.s.PGSQL.5432", f"{tmp_path}/.s.PGSQL.5432"
    with (
        Spoiler(*sockets, left=NEVER, lasts=NEVER).running() as spoiler,
        Client(f"host={tmp_path} user=postgres dbname={url.rpartition('dbname=')[2]}", tmp_path).place() as place,
    ):
        refused = 0
        for at in range(1, 100, 4 if is_large and OUTCOMES < 10 else 1):
            try:
                trio.run(offer, place, at, at)
            except* SpoolFull:
                refused += 1
            is_over, spoiler.left = spoiler.left > 0, NEVER
            if is_over:
                break
        assert refused >= 3
