"""The tables of the SQLite backend, and how those of earlier versions become these.

``delivery.claimed`` is 0 for one that waits, 1 for one that is being attempted, 2 for one in quarantine, of whose
message ``damage`` says why. ``delivery.aside`` is the site that a delivery is set aside for; NULL: none. A checksum
that is NULL was never made. ``identity`` has one row, with the token that also stands beside the body files.

The indexes are partial, so a row is in one only while somebody may look for it there. A message that goes out at the
first attempt never costs more than ``due``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from empath.spool.contract import SpoolError

SCHEMA_VERSION: Final = 3
APPLICATION_ID: Final = 0x454D5051
"""Marks the file as ours: "EMPQ"."""

_INDEX_ASIDE: Final = "CREATE INDEX aside ON delivery (aside) WHERE aside IS NOT NULL;"
_INDEX_FILE: Final = "CREATE INDEX file ON message (body_file) WHERE body_file IS NOT NULL;"
_CARE: Final = """
CREATE TABLE damage (message INTEGER PRIMARY KEY, mid TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE identity (token TEXT NOT NULL) STRICT;
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
    PRIMARY KEY (message, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX due ON delivery (next_attempt) WHERE claimed = 0;
{_INDEX_ASIDE}
{_INDEX_FILE}
{_CARE}
"""

_STEPS: Final[Mapping[int, str]] = {
    1: f"ALTER TABLE delivery ADD COLUMN aside TEXT; {_INDEX_ASIDE} {_INDEX_FILE}",
    2: f"""
    ALTER TABLE message ADD COLUMN envelope_crc INTEGER;
    ALTER TABLE message ADD COLUMN body_crc INTEGER;
    {_CARE}
    """,
}
"""From each earlier version to the next. New columns come last, so old rows need not be written anew."""


def upgrade(version: int, path: str) -> str:
    """The statements that make tables of this version the present ones. A SpoolError: nobody knows how."""
    if version not in {*_STEPS, SCHEMA_VERSION}:
        raise SpoolError(
            f"the queue {path} has schema {version}, and this program knows those up to {SCHEMA_VERSION}; "
            "install the version that wrote it, or a later one"
        )
    return "".join(_STEPS[step] for step in range(version, SCHEMA_VERSION))
