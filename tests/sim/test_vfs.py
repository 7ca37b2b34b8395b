"""SQLite on the simulated disk: what it has committed is there after a loss of power, and what it has not is not."""

from collections.abc import Iterator
from contextlib import suppress

import apsw
import pytest

from empath.sim.disk import SimulatedFiles, Trouble
from empath.sim.entropy import SeededEntropy
from empath.sim.vfs import SimulatedVfs

PATH = "/queue/queue.sqlite3"


@pytest.fixture
def vfs() -> Iterator[SimulatedVfs]:
    with drive() as made:
        yield made


def drive() -> SimulatedVfs:
    files = SimulatedFiles()
    files.make_directory("/queue")
    files.sync_directory("/")
    return SimulatedVfs(files)


def open_database(vfs: SimulatedVfs, synchronous: str = "FULL") -> apsw.Connection:
    connection = apsw.Connection(PATH, vfs=vfs.name)
    connection.pragma("locking_mode", "EXCLUSIVE")
    assert connection.pragma("journal_mode", "WAL") == "wal"
    connection.pragma("synchronous", synchronous)
    connection.execute("CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY, body BLOB)")
    return connection


def add(connection: apsw.Connection, number: int) -> None:
    connection.execute("INSERT INTO message VALUES (?, ?)", (number, bytes(5000)))


def crash(vfs: SimulatedVfs, connection: apsw.Connection, chance: SeededEntropy | None = None) -> None:
    """Lose power, and bury the connection of the program that has died of it."""
    vfs.files.crash(chance)
    with suppress(apsw.Error):
        connection.close()


def fill(connection: apsw.Connection) -> None:
    for number in range(20):
        add(connection, number)


def numbers(connection: apsw.Connection) -> list[int]:
    assert connection.pragma("integrity_check") == "ok"
    return [number for (number,) in connection.execute("SELECT number FROM message ORDER BY number")]


def test_a_database_can_be_closed_and_opened_again(vfs: SimulatedVfs) -> None:
    connection = open_database(vfs)
    add(connection, 1)
    assert sorted(vfs.files.names("/queue")) == ["queue.sqlite3", "queue.sqlite3-wal"]
    connection.close()
    assert vfs.files.names("/queue") == ["queue.sqlite3"]
    assert numbers(open_database(vfs)) == [1]


@pytest.mark.parametrize("seed", [None, *range(10)])
def test_what_was_committed_survives_and_what_was_not_does_not(seed: int | None) -> None:
    with drive() as vfs:
        connection = open_database(vfs)
        for number in range(50):
            add(connection, number)
        connection.execute("BEGIN")
        add(connection, 50)
        crash(vfs, connection, None if seed is None else SeededEntropy(seed))
        assert numbers(open_database(vfs)) == list(range(50))


def test_a_commit_that_is_not_synced_may_be_forgotten(vfs: SimulatedVfs) -> None:
    connection = open_database(vfs)
    add(connection, 1)
    connection.pragma("synchronous", "NORMAL")
    add(connection, 2)
    crash(vfs, connection)
    assert numbers(open_database(vfs)) == [1]


def test_power_may_fail_at_any_call_of_a_transaction() -> None:
    for call in range(1, 30):
        with drive() as vfs:
            connection = open_database(vfs)
            add(connection, 1)
            vfs.files.plan(Trouble.POWER_OFF, at=call)
            committed = [1]
            try:
                for number in (2, 3):
                    add(connection, number)
                    committed.append(number)
            except apsw.Error:
                pass
            crash(vfs, connection, SeededEntropy(call))
            survivors = numbers(open_database(vfs))
            assert survivors[: len(committed)] == committed
            assert len(survivors) - len(committed) <= 1


def test_a_full_disk_is_reported_and_the_database_lives_on(vfs: SimulatedVfs) -> None:
    connection = open_database(vfs)
    vfs.files.capacity_bytes = 40_000
    with pytest.raises(apsw.FullError):
        fill(connection)
    vfs.files.capacity_bytes = 10_000_000
    add(connection, 100)
    assert numbers(connection)[-1] == 100


@pytest.mark.parametrize("call", ["write_at", "sync"])
def test_a_broken_disk_is_reported(vfs: SimulatedVfs, call: str) -> None:
    connection = open_database(vfs)
    vfs.files.plan(Trouble.IO_ERROR, call=call)
    with pytest.raises(apsw.IOError):
        add(connection, 1)


def test_a_write_that_takes_only_a_part_is_continued(vfs: SimulatedVfs) -> None:
    connection = open_database(vfs)
    vfs.files.plan(Trouble.SHORT_WRITE, call="write_at")
    add(connection, 1)
    assert numbers(connection) == [1]


def test_a_database_that_is_not_there_is_not_made_unless_asked_for(vfs: SimulatedVfs) -> None:
    with pytest.raises(apsw.CantOpenError):
        apsw.Connection(PATH, flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs.name)
