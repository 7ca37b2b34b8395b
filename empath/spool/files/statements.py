"""The statements on the index: its own tables beside those of ``empath.spool.schema``, and what notes changes.

``entry`` has the files that stand for deliveries. ``touched`` and ``touched_seen`` are what an operation has changed;
``how`` is 0 for a message that is new or has gone, 1 for deliveries that were claimed, 2 for those of which something
else has become, and 3 if it concerns all deliveries of the message. Message 0 is what is of no message.

What is set aside is not noted: it lies on the disk as it did before, and is set aside again when it is due after the
next start. To write it down for each of a hundred thousand messages would cost more. ``listed`` is good in this index
only, so it is not noted either.
"""

from __future__ import annotations

from typing import Final

NEW: Final = 0
CLAIMED: Final = 1
CHANGED: Final = 2
EVERYTHING: Final = 3
NO_MESSAGE: Final = 0

TABLES: Final = """
PRAGMA recursive_triggers = ON;
CREATE TABLE entry (
    message INTEGER NOT NULL,
    domain TEXT NOT NULL,
    path TEXT NOT NULL,
    has_content INTEGER NOT NULL,
    PRIMARY KEY (message, domain)
) STRICT, WITHOUT ROWID;
CREATE TABLE touched (
    message INTEGER NOT NULL, domain TEXT NOT NULL, how INTEGER NOT NULL, PRIMARY KEY (message, domain, how)
) STRICT, WITHOUT ROWID;
CREATE TABLE touched_seen (
    digest BLOB NOT NULL, moment REAL NOT NULL, mid TEXT NOT NULL, is_new INTEGER NOT NULL
) STRICT;
"""

TRIGGERS: Final = """
CREATE TRIGGER message_new AFTER INSERT ON message
BEGIN INSERT OR IGNORE INTO touched VALUES (new.id, '', 0); END;

CREATE TRIGGER message_gone AFTER DELETE ON message
BEGIN INSERT OR IGNORE INTO touched VALUES (old.id, '', 0); END;

CREATE TRIGGER delivery_claimed AFTER UPDATE OF claimed ON delivery
WHEN new.claimed = 1 AND old.claimed <> 1
BEGIN INSERT OR IGNORE INTO touched VALUES (new.message, new.domain, 1); END;

CREATE TRIGGER delivery_changed AFTER
UPDATE OF claimed, attempts, next_attempt, last, aside, recipient, sender, priority, mark, was, since, note ON delivery
WHEN NOT (new.claimed = 1 AND old.claimed <> 1) AND NOT (new.aside IS NOT NULL AND new.aside IS NOT old.aside)
BEGIN INSERT OR IGNORE INTO touched VALUES (new.message, new.domain, 2); END;

CREATE TRIGGER delivery_gone AFTER DELETE ON delivery
BEGIN INSERT OR IGNORE INTO touched VALUES (old.message, old.domain, 2); END;

CREATE TRIGGER damage_new AFTER INSERT ON damage
BEGIN INSERT OR IGNORE INTO touched VALUES (new.message, '', 3); END;

CREATE TRIGGER damage_gone AFTER DELETE ON damage
BEGIN INSERT OR IGNORE INTO touched VALUES (old.message, '', 3); END;

CREATE TRIGGER identity_new AFTER INSERT ON identity BEGIN INSERT OR IGNORE INTO touched VALUES (0, '', 3); END;
CREATE TRIGGER rule_new AFTER INSERT ON rule BEGIN INSERT OR IGNORE INTO touched VALUES (0, '', 3); END;
CREATE TRIGGER rule_gone AFTER DELETE ON rule BEGIN INSERT OR IGNORE INTO touched VALUES (0, '', 3); END;

CREATE TRIGGER seen_new AFTER INSERT ON seen
BEGIN INSERT INTO touched_seen VALUES (new.digest, new.moment, new.mid, 1); END;

CREATE TRIGGER seen_gone AFTER DELETE ON seen
BEGIN INSERT INTO touched_seen VALUES (old.digest, old.moment, old.mid, 0); END;
"""

TOUCHED: Final = "SELECT message, domain, max(how) FROM touched GROUP BY message, domain ORDER BY message, domain"
TOUCHED_SEEN: Final = "SELECT digest, moment, mid, is_new FROM touched_seen"
DISREGARD: Final = "DELETE FROM touched"
DISREGARD_SEEN: Final = "DELETE FROM touched_seen"

ENTRIES: Final = "SELECT domain, path, has_content FROM entry WHERE message = ?"
ADD_ENTRY: Final = "INSERT INTO entry VALUES (?, ?, ?, ?)"
MOVE_ENTRY: Final = "UPDATE entry SET path = ?, has_content = ? WHERE message = ? AND domain = ?"
FORGET_ENTRIES: Final = "DELETE FROM entry WHERE message = ?"

MESSAGE: Final = (
    "SELECT id, mid, received, envelope, size_bytes, body_file, body, envelope_crc, body_crc FROM message WHERE id = ?"
)
ADD_MESSAGE: Final = """
INSERT INTO message (id, mid, received, envelope, size_bytes, body_file, envelope_crc, body_crc)
VALUES (:id, :mid, :received, :envelope, :size_bytes, :body_file, :envelope_crc, :body_crc)
"""
DROP_BODY: Final = "UPDATE message SET body = NULL WHERE id = ?"
FORGET_MESSAGE: Final = "DELETE FROM message WHERE id = ?"
FORGET_DAMAGE: Final = "DELETE FROM damage WHERE message = ?"
MID: Final = "SELECT mid FROM message WHERE id = ?"
IS_TAKEN: Final = "SELECT 1 FROM message WHERE id = ?"
FREE_NUMBER: Final = "SELECT max(id) + 1 FROM message"

_DELIVERY: Final = (
    "SELECT ordinal, domain, recipient, sender, priority, claimed, mark, was, attempts, next_attempt, aside, since,"
    " note, last FROM delivery WHERE message = ?"
)
DELIVERIES: Final = f"{_DELIVERY} ORDER BY ordinal"
TO_DOMAIN: Final = f"{_DELIVERY} AND domain = ? ORDER BY ordinal"
ADD_DELIVERY: Final = """
INSERT INTO delivery (message, ordinal, domain, recipient, sender, priority, claimed, mark, was, attempts, next_attempt,
    aside, since, note, last)
VALUES (:message, :ordinal, :domain, :recipient, :sender, :priority, :claimed, :mark, :was, :attempts, :next_attempt,
    :aside, :since, :note, :last)
"""
FORGET_DELIVERIES: Final = "DELETE FROM delivery WHERE message = ? AND domain = ?"
AS_ENTRY: Final = "UPDATE delivery SET next_attempt = ?, claimed = ? WHERE message = ? AND domain = ?"
ARE_ALIKE: Final = (
    "SELECT count(DISTINCT claimed) = 1 AND count(DISTINCT next_attempt) = 1 FROM delivery"
    " WHERE message = ? AND domain = ?"
)
DOMAINS: Final = "SELECT DISTINCT domain FROM delivery WHERE message = ?"
COUNT: Final = "SELECT count(*) FROM delivery WHERE message = ?"
STATES: Final = "SELECT claimed, mark, count(*) FROM delivery WHERE message = ? GROUP BY claimed, mark"
TAKE_BACK: Final = "UPDATE delivery SET claimed = 0, mark = 2 WHERE claimed = 1 AND message = ?"
LIST_ALL: Final = """
UPDATE delivery SET listed = 1;
UPDATE listing SET upto = (SELECT coalesce(max(id), 0) FROM message);
"""

DAMAGE: Final = "SELECT mid, reason FROM damage WHERE message = ?"
ADD_DAMAGE: Final = "INSERT OR IGNORE INTO damage VALUES (?, ?, ?)"
IDENTITY: Final = "SELECT token FROM identity"
ADD_IDENTITY: Final = "INSERT INTO identity VALUES (:token)"
RULES: Final = "SELECT id, kind, body FROM rule ORDER BY id"
ADD_RULE: Final = "INSERT INTO rule VALUES (:id, :kind, :body)"
SEEN_OF: Final = "SELECT digest, moment FROM touched_seen WHERE mid = ? AND is_new"
SEEN: Final = "SELECT moment, mid FROM seen WHERE digest = ?"
ADD_SEEN: Final = "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)"
