"""Moving a spool between backends: what arrives is what was there, wherever it is cut off, and however often."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import outcome
import pytest
from attrs import define, evolve, field

from empath.spool.belonging import BODIES, CONVERTING
from empath.spool.committer import Operation
from empath.spool.contract import SpoolError
from empath.spool.conversion import Conversion, Side
from empath.spool.files import open_files
from empath.spool.memory import MemoryStore
from empath.spool.postgres import Server
from empath.spool.postgres.bodies import BodyRows
from empath.spool.postgres.lease import Lease
from empath.spool.postgres.link import Link
from empath.spool.postgres.store import PostgresStore
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world.files import FileCalls, SystemFiles
from tests.contracts.spools import NOW
from tests.postgres import PostgresServer
from tests.spool.contents import LARGE, fill, picture

PAIRS = [
    (one, other) for one in ("sqlite", "files", "postgres") for other in ("sqlite", "files", "postgres") if one != other
]


@define
class Workshop:
    """Opens sides on one machine."""

    home: Path
    calls: FileCalls
    url: str = ""
    opened: list[tuple[Store, FileCalls]] = field(factory=list)

    def open(self, backend: str) -> Side:
        queue, calls = self.home / backend, self.calls
        store: Store
        if backend == "postgres":
            server = Server(self.url, "the file of this test")
            store = PostgresStore(Link(server, Lease("this test", server.schema), lambda lost: None))
            calls = BodyRows(server, self.home, self.calls)
        elif backend == "memory":
            store = MemoryStore()
        else:
            queue.mkdir(exist_ok=True)
            path = str(queue / "queue.sqlite3")
            store = open_database(path) if backend == "sqlite" else open_files(str(queue), calls)
        self.opened.append((store, calls))
        return Side(name=backend, store=store, calls=calls, path=self.home)

    def close(self) -> None:
        for store, calls in self.opened:
            store.close()
            if isinstance(calls, BodyRows):
                calls.end()
        self.opened.clear()


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    (tmp_path / BODIES).mkdir()
    made = Workshop(tmp_path, SystemFiles())
    yield made
    made.close()


@pytest.fixture
def equipped(workshop: Workshop, request: pytest.FixtureRequest) -> Workshop:
    """A workshop with a server if the test is about one."""
    if "postgres" in request.node.name:
        server: PostgresServer = request.getfixturevalue("postgres")
        workshop.url = server.emptied()
    return workshop


def convert(source: Side, target: Side) -> Conversion:
    conversion = Conversion(source=source, target=target, now=NOW, tell=lambda moved: None)
    conversion.run("token")
    return conversion


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_arrives_is_what_was_there(equipped: Workshop, source: str, target: str) -> None:
    there, here = equipped.open(source), equipped.open(target)
    fill(there)
    before = picture(there)
    conversion = convert(there, here)
    assert picture(here) == before
    assert (conversion.moved, conversion.deliveries, conversion.was_there, conversion.left) == (3, 11, 0, [])
    assert picture(there)["rows"] == picture(there)["rules"] == []
    equipped.close()
    there, here = equipped.open(source), equipped.open(target)
    assert picture(here) == before
    back = convert(here, there)
    assert back.moved == 3
    assert picture(there) == before


class CutOff(Exception):
    """As if the power had failed."""


@define(eq=False)
class Fragile:
    """A store that is cut off at some transaction, before or after it has happened. All else is that of the store."""

    store: Store
    left: Callable[[], int]
    is_after: bool

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        left = self.left()
        if left == 0 and not self.is_after:
            raise CutOff
        done = self.store.commit(operations, durable=durable)
        if left == 0:
            raise CutOff
        return done


def fragile(one: Side, counter: Callable[[], int], *, is_after: bool) -> Side:
    store: Any = Fragile(one.store, counter, is_after)
    return evolve(one, store=store)


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize(("source", "target"), [("sqlite", "memory"), ("memory", "sqlite"), ("sqlite", "postgres")])
def test_it_can_be_cut_off_at_any_transaction_and_begun_again(
    equipped: Workshop, source: str, target: str, is_after: bool
) -> None:
    there, here = equipped.open(source), equipped.open(target)
    fill(there)
    before = picture(there)
    cut_off = 0
    for first in range(1, 1000):
        left = first

        def counter() -> int:
            nonlocal left
            left -= 1
            return left

        try:
            convert(fragile(there, counter, is_after=is_after), fragile(here, counter, is_after=is_after))
        except CutOff:
            cut_off += 1
            with_both = len(picture(there)["messages"]) + len(picture(here)["messages"])
            assert with_both >= len(before["messages"])
            convert(there, here)
        assert picture(here) == before
        assert picture(there)["rows"] == []
        if left > 0:
            break
        convert(here, there)
        assert picture(there) == before
    assert cut_off > 10


def test_a_message_that_is_damaged_stays_and_is_named(workshop: Workshop) -> None:
    there, here = (
        workshop.open("sqlite"),
        evolve(workshop.open("memory"), calls=SystemFiles(), path=workshop.home / "x"),
    )
    (workshop.home / "x" / BODIES).mkdir(parents=True)
    fill(there)
    (workshop.home / BODIES / "large.0").write_bytes(LARGE[:-1] + b"?")
    conversion = convert(there, here)
    assert [damage.reason for damage in conversion.left] == [
        f"its body {workshop.home / BODIES / 'large.0'} is not what was accepted"
    ]
    assert conversion.moved == 2
    assert list(picture(there)["messages"]) == [conversion.left[0].mid]


def test_another_conversion_is_not_begun_in_the_middle_of_one(workshop: Workshop) -> None:
    there, here = workshop.open("sqlite"), workshop.open("memory")
    (workshop.home / CONVERTING).write_text("sqlite to postgres\n")
    with pytest.raises(SpoolError, match="under way, from sqlite to postgres"):
        convert(there, here)
