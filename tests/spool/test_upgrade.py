"""Databases of earlier versions: they are made ours in place, in one transaction, with all that is in them."""

from pathlib import Path

import apsw
import pytest

from empath.sim.disk import SimulatedFiles, Trouble
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import Claim, Claimed, SpoolError
from empath.spool.schema import APPLICATION_ID, SCHEMA_VERSION
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from tests.contracts.spools import NOW, mid

FIRST = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY, mid TEXT NOT NULL UNIQUE, received REAL NOT NULL, envelope BLOB NOT NULL,
    size_bytes INTEGER NOT NULL, body_file TEXT, body BLOB
) STRICT;
CREATE TABLE delivery (
    message INTEGER NOT NULL, ordinal INTEGER NOT NULL, domain TEXT NOT NULL, claimed INTEGER NOT NULL,
    attempts INTEGER NOT NULL, next_attempt REAL NOT NULL, last BLOB NOT NULL, PRIMARY KEY (message, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX due ON delivery (next_attempt) WHERE claimed = 0;
"""
SECOND = f"""{FIRST}
ALTER TABLE delivery ADD COLUMN aside TEXT;
CREATE INDEX aside ON delivery (aside) WHERE aside IS NOT NULL;
CREATE INDEX file ON message (body_file) WHERE body_file IS NOT NULL;
"""
THIRD = f"""{SECOND}
ALTER TABLE message ADD COLUMN envelope_crc INTEGER;
ALTER TABLE message ADD COLUMN body_crc INTEGER;
CREATE TABLE damage (message INTEGER PRIMARY KEY, mid TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE identity (token TEXT NOT NULL) STRICT;
"""
FOURTH = f"""{THIRD}
ALTER TABLE delivery ADD COLUMN recipient TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
ALTER TABLE delivery ADD COLUMN sender TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN was INTEGER;
ALTER TABLE delivery ADD COLUMN since REAL NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
DROP INDEX due;
CREATE INDEX due ON delivery (priority, next_attempt) WHERE claimed = 0;
CREATE INDEX parked ON delivery (claimed) WHERE claimed > 1;
CREATE INDEX ended ON delivery (claimed, since) WHERE claimed > 3;
CREATE INDEX marked ON delivery (mark) WHERE mark > 0;
CREATE INDEX urgent ON delivery (priority) WHERE priority <> 0;
CREATE INDEX by_recipient ON delivery (recipient) WHERE listed = 1;
CREATE INDEX by_sender ON delivery (sender) WHERE listed = 1;
CREATE INDEX by_domain ON delivery (domain) WHERE listed = 1;
CREATE TABLE listing (upto INTEGER NOT NULL) STRICT;
INSERT INTO listing VALUES (0);
CREATE TABLE rule (id TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE seen (digest BLOB PRIMARY KEY, moment REAL NOT NULL, mid TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX seen_moment ON seen (moment);
"""
"""As they were released. What stands here is history and does not follow the present schema."""
EARLIER = {1: FIRST, 2: SECOND, 3: THIRD, 4: FOURTH}

versions = pytest.mark.parametrize("version", EARLIER)


def fill(path: str, version: int, vfs: str | None = None) -> None:
    """A queue with one message, of two deliveries, one of which was claimed when the daemon died."""
    connection = apsw.Connection(path, vfs=vfs)
    connection.pragma("synchronous", "EXTRA")
    connection.execute(EARLIER[version])
    connection.execute(
        "INSERT INTO message (id, mid, received, envelope, size_bytes, body)"
        " VALUES (7, ?, ?, x'01', 4, CAST('body' AS BLOB))",
        (str(mid(1)), NOW),
    )
    for ordinal in (0, 1):
        connection.execute(
            "INSERT INTO delivery (message, ordinal, domain, claimed, attempts, next_attempt, last)"
            " VALUES (7, ?, 'a.example', ?, 3, ?, x'')",
            (ordinal, ordinal, NOW),
        )
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", version)
    connection.close()


def claims(store: Store) -> list[Claim]:
    def take(store: Store) -> Claimed:
        return store.claim(now=NOW, until=NOW + 60, latest=NOW + 3600, room=9)

    claimed = store.commit([take], durable=True)[0].unwrap()
    assert isinstance(claimed, Claimed)
    return claimed.claims


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = apsw.Connection(str(path))
    names = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY name")]
    found = {name: list(connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,))) for name in names}
    found["version"] = [(connection.pragma("user_version"),)]
    connection.close()
    return found


@versions
def test_what_waited_in_an_earlier_queue_waits_in_the_present_one(tmp_path: Path, version: int) -> None:
    path = tmp_path / "queue.sqlite3"
    fill(str(path), version)
    store = open_database(str(path))
    (one,) = claims(store)
    assert (one.mid, one.envelope, one.body, len(one.deliveries)) == (mid(1), b"\x01", b"body", 2)
    assert [each.attempts for each in one.deliveries] == [3, 3]
    store.close()


@versions
def test_an_earlier_queue_becomes_one_like_a_new_one(tmp_path: Path, version: int) -> None:
    earlier, new = tmp_path / "earlier.sqlite3", tmp_path / "new.sqlite3"
    fill(str(earlier), version)
    for path in (earlier, new):
        open_database(str(path)).close()
    assert tables(earlier) == tables(new)
    assert tables(new)["version"] == [(SCHEMA_VERSION,)]


@versions
def test_the_power_may_fail_at_any_moment_of_it(version: int) -> None:
    at, done = 0, False
    while not done:
        at += 1
        files = SimulatedFiles()
        with SimulatedVfs(files) as vfs:
            fill("/queue.sqlite3", version, vfs.name)
            files.plan(Trouble.POWER_OFF, at=at)
            try:
                open_database("/queue.sqlite3", vfs.name).close()
                done = True
            except SpoolError:
                pass
            files.crash()
            store = open_database("/queue.sqlite3", vfs.name)
            assert [one.mid for one in claims(store)] == [mid(1)]
            store.close()
    assert at > 20


def test_a_queue_with_a_version_that_never_was_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite3"
    fill(str(path), 1)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", -1)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SpoolError, match="has schema -1"):
        open_database(str(path))
    assert path.read_bytes() == before
