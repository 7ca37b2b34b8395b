"""The statements of the SQLite backend, on the tables of ``schema``. Those of the hot path go by index."""

from __future__ import annotations

from typing import Final

ADD_MESSAGE: Final = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_DELIVERY: Final = "INSERT INTO delivery VALUES (?, ?, ?, 0, 0, ?, x'', NULL)"
_WAITING: Final = "SELECT message, ordinal, domain, attempts, last FROM delivery WHERE claimed = 0"
_ORDER: Final = "ORDER BY next_attempt, message, ordinal LIMIT ?"
DUE: Final = f"{_WAITING} AND next_attempt <= ? {_ORDER}"
ASTRAY: Final = f"{_WAITING} AND next_attempt > ? {_ORDER}"
ASIDE: Final = """
SELECT message, ordinal, domain, attempts, last FROM delivery WHERE aside = ?1 AND message <= (
    SELECT max(message) FROM (SELECT DISTINCT message FROM delivery WHERE aside = ?1 ORDER BY message LIMIT ?2)
) ORDER BY message, ordinal LIMIT ?3
"""
TAKE: Final = "UPDATE delivery SET claimed = 1, next_attempt = ?, aside = NULL WHERE message = ? AND ordinal = ?"
SET_ASIDE: Final = "UPDATE delivery SET aside = ?, next_attempt = ? WHERE message = ? AND ordinal = ?"
NEXT_DUE: Final = "SELECT next_attempt FROM delivery WHERE claimed = 0 ORDER BY next_attempt LIMIT 1"
LATEST: Final = (
    "SELECT max((SELECT coalesce(max(id), 0) FROM message), (SELECT coalesce(max(message), 0) FROM delivery))"
)
SITES: Final = "SELECT DISTINCT aside FROM delivery WHERE aside IS NOT NULL"
FINISH: Final = "DELETE FROM delivery WHERE message = ? AND ordinal = ?"
RETIRE: Final = (
    "DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1) RETURNING body_file"
)
QUARANTINE: Final = "UPDATE delivery SET claimed = 2, aside = NULL WHERE message = ? AND ordinal = ?"
ADD_DAMAGE: Final = "INSERT OR IGNORE INTO damage VALUES (?, ?, ?)"
FORGET_DAMAGE: Final = "DELETE FROM damage WHERE message = ?"
POSTPONE: Final = (
    "UPDATE delivery SET claimed = 0, next_attempt = ?, attempts = ?, last = ?, aside = NULL"
    " WHERE message = ? AND ordinal = ? AND claimed < 2"
)
READ: Final = (
    "SELECT mid, received, envelope, size_bytes, body_file, body, envelope_crc, body_crc FROM message WHERE id = ?"
)
"""The columns in the order of ``stored.StoredMessage``."""
NAME: Final = "SELECT mid FROM message WHERE id = ?"
ENVELOPE: Final = "SELECT envelope FROM message WHERE id = ?"
DAMAGE: Final = "SELECT mid, reason FROM damage ORDER BY message"
IDENTITY: Final = "SELECT token FROM identity"
IDENTIFY: Final = "INSERT INTO identity VALUES (?)"
FILES: Final = "SELECT body_file FROM message WHERE body_file IS NOT NULL"
COUNT_DELIVERIES: Final = "SELECT claimed, count(*) FROM delivery GROUP BY claimed"
COUNT_MESSAGES: Final = "SELECT count(*) FROM message"
UNCLAIM: Final = "UPDATE delivery SET claimed = 0 WHERE claimed = 1"
RELEASE: Final = (
    "UPDATE delivery SET claimed = 0 WHERE claimed = 2 AND message IN (SELECT message FROM damage WHERE mid = ?)"
)
FORGET_NAMED_DAMAGE: Final = "DELETE FROM damage WHERE mid = ?"
