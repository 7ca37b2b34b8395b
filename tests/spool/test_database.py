"""The database of the queue: who may read it, what is refused at the start, and how long its log is."""

import errno
from functools import partial
from pathlib import Path, PurePosixPath

import apsw
import pytest
from outcome import Error

from empath.sim.disk import SimulatedFiles
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import DeliveryKey, Finished, SpoolError, SpoolFull, SpoolHeld
from empath.spool.database import CHECKPOINT_PAGES, PAGE_BYTES, RESERVE_BYTES, SPARE_PAGES, explained
from empath.spool.schema import APPLICATION_ID, SCHEMA_VERSION
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world.reserve import Reserve
from tests.contracts.spools import NOW, message

LARGEST_NEW_BYTES = 128 * 1024
INCREMENTAL = 2
"""Of PRAGMA auto_vacuum."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue #1?.sqlite3"


def test_nobody_else_may_read_a_new_database_or_its_log(path: Path, tmp_path: Path) -> None:
    pattern = tmp_path / "lock & key"
    pattern.touch(mode=0o600)
    store = open_database(str(path), mode_of=str(pattern))
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys((path.name, f"{path.name}-wal", pattern.name), "0o600")
    store.close()
    open_database(str(path), mode_of=str(pattern)).close()


def test_the_log_has_its_room_from_the_start_and_the_database_does_not_pay_for_it(path: Path) -> None:
    for _ in range(3):
        store = open_database(str(path))
        assert Path(f"{path}-wal").stat().st_size > CHECKPOINT_PAGES * PAGE_BYTES * 0.8
        store.close()
        assert path.stat().st_size < LARGEST_NEW_BYTES


def test_the_log_does_not_grow_much_beyond_its_room(path: Path) -> None:
    store = open_database(str(path))
    log = Path(f"{path}-wal")
    before = log.stat().st_size
    for number in range(40):
        acceptance = message(number, body=bytes(1_000_000))
        (result,) = store.commit([lambda store, acceptance=acceptance: store.accept(acceptance)], durable=False)
        result.unwrap()
    assert log.stat().st_size < before + 4_000_000
    store.close()


def test_a_file_that_is_no_database_is_left_alone_and_named(path: Path) -> None:
    path.write_bytes(b"Dear Ann,\n" * 1000)
    with pytest.raises(SpoolError, match=rf"{path.name[:5]}.* is damaged or no database .*restore a backup"):
        open_database(str(path))
    assert path.read_bytes() == b"Dear Ann,\n" * 1000


def test_a_damaged_database_is_refused(path: Path) -> None:
    store = open_database(str(path))
    store.commit([lambda store: store.accept(message(1))], durable=True)[0].unwrap()
    store.close()
    content = bytearray(path.read_bytes())
    content[200:] = b"\xff" * (len(content) - 200)
    path.write_bytes(content)
    with pytest.raises(SpoolError, match="damaged"):
        open_database(str(path))


def test_the_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE song (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(SpoolError, match=r"no queue; give delivery\.queue_path a directory of its own"):
        open_database(str(path))
    assert path.read_bytes() == before


def test_a_queue_of_a_later_version_is_left_as_it_is(path: Path) -> None:
    with apsw.Connection(str(path)) as later:
        later.execute("CREATE TABLE message (id INTEGER)")
        later.pragma("application_id", APPLICATION_ID)
        later.pragma("user_version", 99)
    later.close()
    before = path.read_bytes()
    with pytest.raises(SpoolError, match=f"schema 99, and this program knows those up to {SCHEMA_VERSION}; install"):
        open_database(str(path))
    assert path.read_bytes() == before


def test_a_database_that_another_process_uses_is_held(path: Path) -> None:
    first = open_database(str(path))
    with pytest.raises(SpoolHeld, match="in use by another process"):
        open_database(str(path))
    first.close()
    open_database(str(path)).close()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match=r"nowhere/queue.sqlite3 cannot be written .* see to the permissions"):
        open_database(str(tmp_path / "nowhere" / "queue.sqlite3"))


def test_what_was_refused_can_be_opened_once_it_is_mended(path: Path) -> None:
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(SpoolError) as refusal:
        open_database(str(path))
    path.unlink()
    store = open_database(str(path))
    store.commit([lambda store: store.accept(message(1, next_attempt=NOW))], durable=True)[0].unwrap()
    store.close()
    assert refusal.value.__cause__ is not None


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (apsw.FullError("database or disk is full"), SpoolFull),
        (apsw.BusyError("database is locked"), SpoolHeld),
        (apsw.IOError("disk I/O error"), SpoolError),
        (apsw.SQLError("no such table"), SpoolError),
    ],
)
def test_every_error_of_the_database_becomes_one_of_ours(problem: apsw.Error, kind: type[SpoolError]) -> None:
    assert type(explained(problem)) is kind
    assert str(problem) in str(explained(problem))


def finish(store: Store, room: int) -> None:
    """Claim what is due and record it as delivered."""
    claimed = store.claim(now=NOW, until=NOW, latest=NOW, room=room)
    store.record([Finished(key=each.key) for one in claimed.claims for each in one.deliveries])


@pytest.mark.parametrize("full", [errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_while_the_disk_is_full_the_reserve_lets_mail_out_and_none_in(full: int) -> None:
    files = SimulatedFiles(full=full)
    reserve = Reserve(files, PurePosixPath("/reserve"), 2_000_000)
    with SimulatedVfs(files) as vfs:
        store = open_database("/queue.sqlite3", vfs.name, reserve=reserve)
        accepted = 0
        files.capacity_bytes = 6_000_000
        refused: list[Exception] = []
        while not refused:
            acceptance = message(accepted, body=bytes(100_000))
            (result,) = store.commit([lambda store, acceptance=acceptance: store.accept(acceptance)], durable=True)
            if isinstance(result, Error):
                assert isinstance(result.error, SpoolFull)
                refused.append(result.error)
            else:
                accepted += 1
        assert accepted > 10
        (again,) = store.commit([lambda store: store.accept(message(9999))], durable=True)
        assert isinstance(again, Error)
        assert "what is here needs the rest of it" in str(again.error)
        for _ in range(accepted):
            store.commit([partial(finish, room=1)], durable=False)[0].unwrap()
        assert store.statistics().messages == 0
        files.capacity_bytes *= 2
        assert tend(store) < 200
        store.commit([lambda store: store.accept(message(9999))], durable=True)[0].unwrap()
        store.close()


@pytest.mark.parametrize("capacity_mb", [66, 71, 81])
def test_a_disk_that_its_own_mail_has_filled_takes_mail_again_once_that_has_gone(capacity_mb: int) -> None:
    """Without a commit of mail that would copy a long log by the way."""
    files = SimulatedFiles(capacity_bytes=capacity_mb * 1_000_000)
    reserve = Reserve(files, PurePosixPath("/reserve"), RESERVE_BYTES)
    with SimulatedVfs(files) as vfs:
        store = open_database("/queue.sqlite3", vfs.name, reserve=reserve)
        accepted = 0
        while reserve.is_kept():
            acceptance = message(accepted, body=bytes(1_000_000))
            (result,) = store.commit([lambda store, acceptance=acceptance: store.accept(acceptance)], durable=True)
            accepted += not isinstance(result, Error)
        assert accepted > 2
        for _ in range(accepted):
            store.commit([partial(finish, room=1)], durable=False)[0].unwrap()
        assert tend(store) < 20
        store.commit([lambda store: store.accept(message(9999))], durable=True)[0].unwrap()
        store.close()


FILLED = 60
"""Messages of a megabyte."""


def fill_and_empty(store: Store) -> None:
    for number in range(1, FILLED + 1):
        acceptance = message(number, body=bytes(1_000_000))
        (result,) = store.commit([lambda store, acceptance=acceptance: store.accept(acceptance, NOW)], durable=False)
        result.unwrap()
    ended = [Finished(key=DeliveryKey(number, 0)) for number in range(1, FILLED + 1)]
    (result,) = store.commit([lambda store: store.record(ended)], durable=True)
    result.unwrap()


def tend(store: Store) -> int:
    """Tend until nothing is left to do; how often that was."""
    for times in range(1, 1000):
        (result,) = store.commit([lambda store: store.tend()], durable=False)
        if not result.unwrap():
            return times
    raise AssertionError("there is no end to it")


def test_the_room_of_what_has_gone_returns_to_the_disk_in_small_portions(path: Path) -> None:
    store = open_database(str(path))
    fill_and_empty(store)
    assert tend(store) > 20
    assert path.stat().st_size < (SPARE_PAGES + 100) * PAGE_BYTES
    store.close()
    assert path.stat().st_size < (SPARE_PAGES + 100) * PAGE_BYTES


def test_no_commit_of_mail_gives_room_back(path: Path) -> None:
    store = open_database(str(path))
    fill_and_empty(store)
    store.close()
    assert path.stat().st_size > FILLED * 1_000_000


@pytest.mark.parametrize(("in_it", "mode"), [(1, INCREMENTAL), (FILLED, 0)])
def test_a_database_of_an_earlier_version_learns_to_shrink_once_little_is_in_it(
    path: Path, in_it: int, mode: int
) -> None:
    store = open_database(str(path))
    for number in range(in_it):
        acceptance = message(number, body=bytes(1_000_000))
        (result,) = store.commit([lambda store, acceptance=acceptance: store.accept(acceptance)], durable=True)
        result.unwrap()
    store.close()
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "DELETE")
    connection.pragma("auto_vacuum", 0)
    connection.execute("VACUUM")
    connection.close()
    store = open_database(str(path))
    assert store.statistics().messages == in_it
    store.close()
    assert apsw.Connection(str(path)).pragma("auto_vacuum") == mode
