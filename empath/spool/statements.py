"""The statements of the SQLite backend, on the tables of ``schema``. Those of the hot path go by index."""

from __future__ import annotations

from typing import Final

ADD_MESSAGES: Final = "INSERT INTO message VALUES "
A_MESSAGE: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
IS_HERE: Final = "SELECT 1 FROM message WHERE mid = ?"
ADD_DELIVERIES: Final = (
    "INSERT INTO delivery"
    " (message, ordinal, domain, claimed, attempts, next_attempt, last, recipient, sender, priority, came) VALUES "
)
A_DELIVERY: Final = "(?, ?, ?, ?, 0, ?, x'', ?, ?, ?, ?)"
REMOVE_CLAIMED: Final = "DELETE FROM delivery WHERE claimed = 1 AND (message, ordinal) IN (VALUES "
A_KEY: Final = "(?, ?)"
RETURNING_KEYS: Final = ") RETURNING message, ordinal"
RETIRE_SOME: Final = "DELETE FROM message WHERE id IN ("
RETURNING_FILES: Final = (
    ") AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.id) RETURNING id, body_file"
)
_WAITING: Final = """
SELECT message, ordinal, domain, attempts, last, mark, next_attempt FROM delivery WHERE claimed = 0 AND priority = ?
"""
_ORDER: Final = "ORDER BY next_attempt, message, ordinal LIMIT ?"
DUE: Final = f"{_WAITING} AND next_attempt <= ? {_ORDER}"
ASTRAY: Final = f"{_WAITING} AND next_attempt > ? {_ORDER}"
ASIDE: Final = """
SELECT message, ordinal, domain, attempts, last, mark FROM delivery
WHERE aside = ?1 AND priority = ?2 AND message <= (
    SELECT max(message) FROM (
        SELECT DISTINCT message FROM delivery WHERE aside = ?1 AND priority = ?2 ORDER BY message LIMIT ?3
    )
) ORDER BY message, ordinal LIMIT ?4
"""
TAKE: Final = "UPDATE delivery SET claimed = 1, next_attempt = ?, aside = NULL WHERE message = ? AND ordinal = ?"
TAKE_HELD: Final = """
UPDATE delivery SET claimed = 1, next_attempt = ?, aside = NULL, since = 0, note = '' WHERE message = ? AND ordinal = ?
"""
SET_ASIDE: Final = "UPDATE delivery SET aside = ?, next_attempt = ? WHERE message = ? AND ordinal = ?"
NEXT_DUE: Final = "SELECT next_attempt FROM delivery WHERE claimed = 0 AND priority = ? ORDER BY next_attempt LIMIT 1"
UNUSUAL: Final = "SELECT 1 FROM delivery WHERE priority <> 0 AND priority = ? LIMIT 1"
LATEST: Final = (
    "SELECT max((SELECT coalesce(max(id), 0) FROM message), (SELECT coalesce(max(message), 0) FROM delivery),"
    " (SELECT upto FROM listing))"
)
SITES: Final = "SELECT DISTINCT aside FROM delivery WHERE aside IS NOT NULL"
REMOVE: Final = "DELETE FROM delivery WHERE message = ? AND ordinal = ?"
STATE: Final = "SELECT claimed, mark FROM delivery WHERE message = ? AND ordinal = ?"
KEEP: Final = (
    "UPDATE delivery SET claimed = ?, attempts = ?, last = ?, reply = ?, since = ?, note = '', aside = NULL"
    " WHERE message = ? AND ordinal = ?"
)
STORE: Final = (
    "UPDATE delivery SET claimed = ?, mark = ?, was = ?, next_attempt = ?, aside = ?, since = ?, note = ?"
    " WHERE message = ? AND ordinal = ?"
)
OVER: Final = "SELECT message, ordinal, claimed FROM delivery WHERE claimed > 3 AND claimed = ? AND since <= ? LIMIT ?"
AHEAD: Final = "SELECT message, ordinal, claimed FROM delivery WHERE claimed > 3 AND claimed = ? AND since > ? LIMIT ?"
QUARANTINE: Final = "UPDATE delivery SET claimed = 2, aside = NULL, note = ? WHERE message = ? AND ordinal = ?"
ADD_DAMAGE: Final = "INSERT OR IGNORE INTO damage VALUES (?, ?, ?)"
FORGET_DAMAGE: Final = "DELETE FROM damage WHERE message = ?"
POSTPONE: Final = (
    "UPDATE delivery SET claimed = 0, next_attempt = ?, attempts = ?, last = ?, reply = ?, mark = ?, aside = NULL"
    " WHERE message = ? AND ordinal = ? AND claimed = ?"
)
READ: Final = (
    "SELECT mid, received, envelope, size_bytes, body_file, body, envelope_crc, body_crc FROM message WHERE id = ?"
)
"""The columns in the order of ``stored.StoredMessage``."""
NAME: Final = "SELECT mid FROM message WHERE id = ?"
ENVELOPE: Final = "SELECT envelope FROM message WHERE id = ?"
DAMAGE: Final = """
SELECT mid, note FROM damage JOIN delivery USING (message)
WHERE claimed > 1 AND claimed = 2 AND ordinal = (
    SELECT min(ordinal) FROM delivery AS other WHERE other.message = damage.message AND other.claimed = 2
) ORDER BY message
"""
IDENTITY: Final = "SELECT token FROM identity"
IDENTIFY: Final = "INSERT INTO identity VALUES (?)"
FILES: Final = "SELECT body_file FROM message WHERE body_file IS NOT NULL"
NEEDS: Final = "SELECT 1 FROM message WHERE body_file = ?"
NUMBERS: Final = """
SELECT id FROM (
    SELECT * FROM (SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2)
    UNION SELECT * FROM (SELECT DISTINCT message FROM delivery WHERE message > ?1 ORDER BY message LIMIT ?2)
) ORDER BY id LIMIT ?2
"""
ORDINALS: Final = "SELECT ordinal FROM delivery WHERE message = ?"
FIRST: Final = "SELECT min(message) FROM delivery WHERE message >= ?"
LAST: Final = "SELECT max(message) FROM delivery"
COUNT_RUN: Final = """
SELECT claimed, mark, count(*), min(coalesce(came, -9e999)), max(coalesce(came, 9e999)) FROM delivery
WHERE message >= ? AND message < ? GROUP BY claimed, mark
"""
COUNT_MESSAGES: Final = "SELECT count(*) FROM message"
UNCLAIM: Final = "UPDATE delivery SET claimed = 0, mark = 2 WHERE claimed = 1"
RELEASE: Final = """
UPDATE delivery SET claimed = 0, mark = 0, note = '', since = 0
WHERE claimed > 1 AND claimed = 2 AND message IN (SELECT message FROM damage WHERE mid = ?)
"""
FORGET_NAMED_DAMAGE: Final = "DELETE FROM damage WHERE mid = ?"

_COLUMNS: Final = """
SELECT delivery.message, ordinal, mid, received, size_bytes, sender, recipient, domain, priority, claimed, mark, was,
    attempts, next_attempt, last, aside, since, note
"""
"""In the order of ``finding.database``."""
_ROWS: Final = (
    f"{_COLUMNS} FROM delivery INDEXED BY {{index}} CROSS JOIN message ON message.id = delivery.message WHERE"
)
_BEHIND: Final = "(delivery.message, ordinal) > (?, ?) ORDER BY delivery.message, ordinal LIMIT ?"
ANY: Final = f"{_COLUMNS} FROM delivery CROSS JOIN message ON message.id = delivery.message WHERE {_BEHIND}"
PARKED: Final = f"{_ROWS.format(index='parked')} claimed > 1 AND claimed = ? AND {_BEHIND}"
SET_ASIDE_FOR: Final = f"{_ROWS.format(index='aside')} aside = ? AND priority = ? AND {_BEHIND}"
TO: Final = f"{_ROWS.format(index='by_recipient')} listed = 1 AND recipient = ? AND {_BEHIND}"
FROM: Final = f"{_ROWS.format(index='by_sender')} listed = 1 AND sender = ? AND {_BEHIND}"
IN_DOMAIN: Final = f"{_ROWS.format(index='by_domain')} listed = 1 AND domain = ? AND {_BEHIND}"
MARKED: Final = f"{_ROWS.format(index='marked')} mark > 0 AND mark = ? AND {_BEHIND}"
PENDING: Final = f"{_ROWS.format(index='pending')} listed = 1 AND claimed = 0 AND mark = 0 AND {_BEHIND}"
IN_PROGRESS: Final = f"{_ROWS.format(index='attempted')} listed = 1 AND claimed = 1 AND {_BEHIND}"
OF_PRIORITY: Final = f"{_ROWS.format(index='urgent')} priority <> 0 AND priority = ? AND {_BEHIND}"
_REPLY: Final = f"{_ROWS.format(index='by_reply')} listed = 1 AND last <> x'' AND reply"
SAYING: Final = f"{_REPLY} = ? AND {_BEHIND}"
UNKEPT: Final = f"{_REPLY} IS NULL AND {_BEHIND}"
UNKEPT_REPLY: Final = (
    "SELECT 1 FROM delivery INDEXED BY by_reply WHERE listed = 1 AND last <> x'' AND reply IS NULL LIMIT 1"
)
REPLIES: Final = """
WITH RECURSIVE one (text) AS (
    SELECT min(reply) FROM delivery INDEXED BY by_reply WHERE listed = 1 AND last <> x'' AND reply >= ?1
    UNION ALL
    SELECT (SELECT min(reply) FROM delivery INDEXED BY by_reply WHERE listed = 1 AND last <> x'' AND reply > text)
    FROM one WHERE text < ?2
) SELECT text FROM one WHERE text < ?2 LIMIT ?3
"""
"""The different replies within bounds, without a look at those that are the same."""
REACH: Final = (
    "SELECT message, ordinal FROM delivery WHERE (message, ordinal) > (?, ?) ORDER BY message, ordinal LIMIT 1 OFFSET ?"
)
SAID: Final = f"""{_COLUMNS} FROM delivery CROSS JOIN message ON message.id = delivery.message
WHERE (delivery.message, ordinal) > (?, ?) AND (delivery.message, ordinal) <= (?, ?) AND last <> x''
    AND (reply LIKE ? ESCAPE '!' OR reply IS NULL OR length(reply) >= ?)
ORDER BY delivery.message, ordinal LIMIT ?
"""
_IS_DUE: Final = f"claimed = 0 AND priority IN ({', '.join(map(str, range(-9, 10)))}) AND next_attempt <= ?"
DUE_BY: Final = f"{_ROWS.format(index='due')} {_IS_DUE} AND {_BEHIND}"
SOME_DUE: Final = (
    "SELECT 1 FROM delivery INDEXED BY due WHERE claimed = 0 AND priority = ? AND next_attempt <= ? LIMIT 1 OFFSET ?"
)
_CHOSEN: Final = """
(
    SELECT named.id FROM json_each(?1) AS name CROSS JOIN message AS named ON named.mid = name.value
    WHERE named.id >= ?2 ORDER BY named.id LIMIT ?4 + 1
) AS chosen
"""
OF_MESSAGES: Final = f"""{_COLUMNS} FROM {_CHOSEN}
CROSS JOIN delivery ON delivery.message = chosen.id CROSS JOIN message ON message.id = delivery.message
WHERE (delivery.message, ordinal) > (?2, ?3) ORDER BY delivery.message, ordinal LIMIT ?4
"""
NUMBERED: Final = (
    "SELECT max(message) FROM"
    " (SELECT message FROM delivery WHERE message > ? AND message <= ? ORDER BY message LIMIT ?)"
)
LIST: Final = "UPDATE delivery SET listed = 1 WHERE message > ? AND message <= ?"
LISTED: Final = "SELECT upto FROM listing"
SET_LISTED: Final = "UPDATE listing SET upto = ?"
RULES: Final = "SELECT id, kind, body FROM rule ORDER BY id"
PUT_RULE: Final = "INSERT OR REPLACE INTO rule VALUES (?, ?, ?)"
REMOVE_RULE: Final = "DELETE FROM rule WHERE id = ?"
SEEN: Final = "SELECT mid FROM seen WHERE digest = ? AND moment >= ?"
SEE: Final = "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)"
FORGET_SEEN: Final = """
DELETE FROM seen WHERE digest IN (SELECT digest FROM seen WHERE moment <= ?1 UNION ALL
    SELECT digest FROM seen WHERE moment > ?2 LIMIT ?3)
"""
