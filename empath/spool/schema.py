"""The tables of the SQLite backend, and how those of earlier versions become these.

``delivery.claimed`` is 0 for one that waits, 1 for one that is being attempted, 2 in quarantine, 3 on hold, 4 failed, 5
expired, 6 in the trash; there ``was`` says which of these it was, and is NULL otherwise. ``mark`` is 0 for one that is
pending, 1 if its latest attempt was deferred, 2 if it may have arrived; it counts for those that wait. ``since`` and
``note`` are when and why it was put where it is; ``damage`` has the name of a message that may not be readable.
``aside`` is the site that a delivery is set aside for; NULL: none. ``listed`` is 1 once it can be found by its
addresses, which is so for all messages up to the one that ``listing`` names. A checksum that is NULL was never made.
``came`` is when its message came, and ``reply`` what the latest attempt came to; NULL in rows that were written before
version 6.
``seen`` has the fingerprints of messages, ``rule`` the decisions of operators. ``identity`` has one row, with the token
that also stands beside the body files.

The indexes are partial, so a row is in one only while somebody may look for it there. A message that goes out at the
first attempt never costs more than ``due``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from empath.spool.contract import SpoolError

SCHEMA_VERSION: Final = 6
APPLICATION_ID: Final = 0x454D5051
"""Marks the file as ours: "EMPQ"."""

_INDEX_ASIDE: Final = "CREATE INDEX aside ON delivery (aside, priority) WHERE aside IS NOT NULL;"
_INDEX_ASIDE_BY_AGE: Final = "CREATE INDEX aside ON delivery (aside) WHERE aside IS NOT NULL;"
_INDEX_FILE: Final = "CREATE INDEX file ON message (body_file) WHERE body_file IS NOT NULL;"
_CARE: Final = """
CREATE TABLE damage (message INTEGER PRIMARY KEY, mid TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE identity (token TEXT NOT NULL) STRICT;
"""
_LISTING: Final = """
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
_FINDING: Final = """
CREATE INDEX pending ON delivery (mark) WHERE listed = 1 AND claimed = 0 AND mark = 0;
CREATE INDEX attempted ON delivery (claimed) WHERE listed = 1 AND claimed = 1;
CREATE INDEX by_reply ON delivery (reply) WHERE listed = 1 AND last <> x'';
"""
SCHEMA: Final = f"""
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    mid TEXT NOT NULL UNIQUE,
    received REAL NOT NULL,
    envelope BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    body_file TEXT,
    body BLOB,
    envelope_crc INTEGER,
    body_crc INTEGER
) STRICT;
CREATE TABLE delivery (
    message INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    domain TEXT NOT NULL,
    claimed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt REAL NOT NULL,
    last BLOB NOT NULL,
    aside TEXT,
    recipient TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    sender TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    priority INTEGER NOT NULL DEFAULT 0,
    mark INTEGER NOT NULL DEFAULT 0,
    was INTEGER,
    since REAL NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    listed INTEGER NOT NULL DEFAULT 0,
    came REAL,
    reply TEXT,
    PRIMARY KEY (message, ordinal)
) STRICT, WITHOUT ROWID;
{_INDEX_ASIDE}
{_INDEX_FILE}
{_CARE}
{_LISTING}
{_FINDING}
"""

_MARKS: Final = """
UPDATE delivery SET mark = 1 WHERE attempts > 0;
UPDATE delivery SET note = coalesce((SELECT reason FROM damage WHERE damage.message = delivery.message), '')
    WHERE claimed = 2;
"""
_STEPS: Final[Mapping[int, str]] = {
    1: f"ALTER TABLE delivery ADD COLUMN aside TEXT; {_INDEX_ASIDE_BY_AGE} {_INDEX_FILE}",
    2: f"""
    ALTER TABLE message ADD COLUMN envelope_crc INTEGER;
    ALTER TABLE message ADD COLUMN body_crc INTEGER;
    {_CARE}
    """,
    3: f"""
    ALTER TABLE delivery ADD COLUMN recipient TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
    ALTER TABLE delivery ADD COLUMN sender TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
    ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN was INTEGER;
    ALTER TABLE delivery ADD COLUMN since REAL NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN note TEXT NOT NULL DEFAULT '';
    ALTER TABLE delivery ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
    DROP INDEX due;
    {_MARKS}
    {_LISTING}
    """,
    4: f"DROP INDEX aside; {_INDEX_ASIDE}",
    5: f"ALTER TABLE delivery ADD COLUMN came REAL; ALTER TABLE delivery ADD COLUMN reply TEXT; {_FINDING}",
}
"""From each earlier version to the next. New columns come last, so old rows need not be written anew.

The addresses of mail from before version 4 stand in its envelopes only, which are not read: nobody finds it by them.
"""


def upgrade(version: int, path: str) -> str:
    """The statements that make tables of this version the present ones. A SpoolError: nobody knows how."""
    if version not in {*_STEPS, SCHEMA_VERSION}:
        raise SpoolError(
            f"the queue {path} has schema {version}, and this program knows those up to {SCHEMA_VERSION}; "
            "install the version that wrote it, or a later one"
        )
    return "".join(_STEPS[step] for step in range(version, SCHEMA_VERSION))
