"""The tables of the SQLite backend.

``delivery.aside`` is the site that a delivery is set aside for; NULL: none. The indexes are partial, so a row is in one
only while somebody may look for it there. A message that goes out at the first attempt never costs more than ``due``.
"""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 2
APPLICATION_ID: Final = 0x454D5051
"""Marks the file as ours: "EMPQ"."""

SCHEMA: Final = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    mid TEXT NOT NULL UNIQUE,
    received REAL NOT NULL,
    envelope BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    body_file TEXT,
    body BLOB
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
CREATE INDEX aside ON delivery (aside) WHERE aside IS NOT NULL;
CREATE INDEX file ON message (body_file) WHERE body_file IS NOT NULL;
"""
