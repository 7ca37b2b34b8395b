"""The statements of the hot path, on the tables of ``schema``. They go by index.

The numbers in them are those of ``states``. What changes the state of deliveries returns a row for each: the state that
it was in, and the one that it is in now, so that they can be counted without being looked at.
"""

from __future__ import annotations

from typing import Final

BLOCK: Final = "SELECT setval('number', nextval('number') + %s)"
"""The last of so many numbers."""
ACCEPT: Final = """
INSERT INTO message (
    id, mid, received, envelope, size_bytes, body_file, body, envelope_crc, body_crc, sender, priority
) VALUES (%s, %s, %s, %b, %s, %s, %b, %s, %s, %s, %s)
"""
ADD_DELIVERIES: Final = """
INSERT INTO delivery (message, ordinal, domain, recipient, priority, state, was, next_attempt, node, epoch, came)
SELECT %(message)s, at - 1, domain, recipient, %(priority)s, %(state)s, %(was)s, %(next_attempt)s, %(node)s, %(epoch)s,
    %(came)s
FROM unnest(%(domains)s::text[], %(recipients)s::text[]) WITH ORDINALITY AS to_be (domain, recipient, at)
"""
KNOWN: Final = "SELECT mid FROM fingerprint WHERE digest = %b AND at >= %s"
REMEMBER: Final = """
INSERT INTO fingerprint VALUES (%b, %s, %s) ON CONFLICT (digest) DO UPDATE SET at = excluded.at, mid = excluded.mid
"""
DUE: Final = """
SELECT delivery.message, delivery.ordinal, domain, attempts, last, state FROM (
    SELECT one.message, one.ordinal, one.next_attempt > %(now)s AS is_astray,
        one.next_attempt - %(head_start)s * degree AS rank
    FROM generate_series(-9, 9) AS degree, LATERAL (
        (SELECT message, ordinal, next_attempt FROM delivery
        WHERE state < 3 AND priority = degree AND next_attempt <= %(now)s
        ORDER BY next_attempt, message, ordinal LIMIT %(limit)s)
        UNION ALL
        (SELECT message, ordinal, next_attempt FROM delivery
        WHERE state < 3 AND priority = degree AND next_attempt > %(latest)s
        ORDER BY next_attempt, message, ordinal LIMIT %(limit)s)
    ) AS one ORDER BY is_astray, rank, one.message, one.ordinal LIMIT %(limit)s
) AS due JOIN delivery USING (message, ordinal) ORDER BY is_astray, rank, message, ordinal
FOR UPDATE OF delivery SKIP LOCKED
"""
"""The first of each degree of priority, and of these the first."""
ASIDE: Final = """
SELECT message, ordinal, domain, attempts, last, state FROM delivery
WHERE state < 3 AND aside = %(site)s AND (-priority, message) <= (
    SELECT urgency, message FROM (
        SELECT DISTINCT -priority AS urgency, message FROM delivery WHERE aside = %(site)s
        ORDER BY urgency, message LIMIT %(messages)s
    ) AS first ORDER BY urgency DESC, message DESC LIMIT 1
) ORDER BY -priority, message, ordinal LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
LONGEST_ASIDE: Final = """
SELECT message, ordinal, domain, attempts, last, state FROM delivery
WHERE state < 3 AND aside = %(site)s AND message IN (
    SELECT DISTINCT one.message FROM generate_series(-9, 9) AS degree, LATERAL (
        SELECT message FROM delivery WHERE aside = %(site)s AND -priority = degree ORDER BY message LIMIT %(limit)s
    ) AS one ORDER BY one.message LIMIT %(messages)s
) ORDER BY message, ordinal LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
TAKE: Final = """
UPDATE delivery SET state = 3, was = before.state, next_attempt = %(until)s, aside = NULL,
    node = %(node)s, epoch = %(epoch)s, since = 0, note = ''
FROM (
    SELECT message, ordinal, state FROM delivery WHERE message = %(message)s AND ordinal = ANY(%(ordinals)s)
) AS before
WHERE delivery.message = before.message AND delivery.ordinal = before.ordinal RETURNING before.state, 3
"""
SET_ASIDE: Final = "UPDATE delivery SET aside = %s, next_attempt = %s WHERE message = %s AND ordinal = %s"
NEXT_DUE: Final = """
SELECT min(first.next_attempt) FROM generate_series(-9, 9) AS degree, LATERAL (
    SELECT next_attempt FROM delivery WHERE state < 3 AND priority = degree ORDER BY next_attempt LIMIT 1
) AS first
"""
SITES: Final = "SELECT DISTINCT aside FROM delivery WHERE aside IS NOT NULL"
COMPLETE: Final = "DELETE FROM delivery WHERE message = %s AND ordinal = ANY(%s) RETURNING state, NULL::integer"
END: Final = """
UPDATE delivery SET state = %(state)s, was = NULL, since = %(at)s, attempts = %(attempts)s, last = %(last)b,
    reply = %(reply)s, aside = NULL, note = '', node = NULL, epoch = NULL
FROM (SELECT message, ordinal, state FROM delivery WHERE message = %(message)s AND ordinal = %(ordinal)s) AS before
WHERE delivery.message = before.message AND delivery.ordinal = before.ordinal AND (before.state < 4 OR before.state = 5)
RETURNING before.state, delivery.state
"""
END_DAMAGED: Final = """
DELETE FROM delivery WHERE message = %s AND ordinal = %s AND (state = 4 OR state = 8 AND was = 4)
RETURNING state, NULL::integer
"""
RETIRE: Final = """
DELETE FROM message WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM delivery WHERE message = message.id)
RETURNING body_file
"""
FORGET_DAMAGE: Final = """
DELETE FROM damage WHERE message = ANY(%s)
AND NOT EXISTS (SELECT FROM delivery WHERE delivery.message = damage.message AND (state = 4 OR was = 4))
"""
QUARANTINE: Final = """
WITH before AS (
    SELECT message, ordinal, state, was FROM delivery WHERE message = %(message)s AND ordinal = %(ordinal)s
), put AS (
    UPDATE delivery SET state = 4, was = CASE before.state WHEN 3 THEN before.was ELSE before.state END,
        aside = NULL, node = NULL, epoch = NULL, note = %(reason)s
    FROM before WHERE delivery.message = before.message AND delivery.ordinal = before.ordinal
    AND (before.state < 4 OR before.state = 5)
    RETURNING before.state, delivery.message
), noted AS (
    INSERT INTO damage SELECT message, %(mid)s, %(reason)s FROM put ON CONFLICT DO NOTHING
)
SELECT state, 4 FROM put
"""
POSTPONE: Final = """
UPDATE delivery SET state = %(state)s, was = NULL, next_attempt = %(next_attempt)s, attempts = %(attempts)s,
    last = %(last)b, reply = %(reply)s, aside = NULL, node = NULL, epoch = NULL
FROM (SELECT message, ordinal, state FROM delivery WHERE message = %(message)s AND ordinal = %(ordinal)s) AS before
WHERE delivery.message = before.message AND delivery.ordinal = before.ordinal AND before.state < 4
RETURNING before.state, delivery.state
"""
READ: Final = """
SELECT mid, received, envelope, size_bytes, body_file, body, envelope_crc, body_crc FROM message WHERE id = %s
"""
"""The columns in the order of ``stored.StoredMessage``."""
NAME: Final = "SELECT mid FROM message WHERE id = %s"
ENVELOPE: Final = "SELECT envelope FROM message WHERE id = %s"
KEPT: Final = "SELECT mid FROM message WHERE mid = ANY(%s)"
READ_ALL: Final = "SET enable_seqscan TO on"
GO_BY_INDEX: Final = "SET enable_seqscan TO off"
"""As ``server`` has set it for all but the one time that everything is counted."""
RANGE: Final = "SELECT coalesce(min(message), 0), coalesce(max(message), 0) FROM delivery"
COUNT_RUNS: Final = """
SELECT message >> %s, state, count(*), min(coalesce(came, '-infinity')), max(coalesce(came, 'infinity')) FROM delivery
GROUP BY 1, 2 ORDER BY 1
"""
COUNT_MESSAGES: Final = "SELECT count(*) FROM message"
UNCLAIM: Final = """
UPDATE delivery SET state = 2, was = NULL, node = NULL, epoch = NULL WHERE state = 3 AND epoch < %s
"""
"""Of earlier epochs: they may have arrived."""
UNCLAIM_DOUBTFUL: Final = """
UPDATE delivery SET state = coalesce(was, 0), was = NULL, node = NULL, epoch = NULL
FROM unnest(%s::bigint[], %s::integer[]) AS doubtful (of, at)
WHERE message = of AND ordinal = at AND state = 3
"""
"""Nobody has heard of these claims, so nobody has attempted anything."""
NUMBERS: Final = """
SELECT id FROM (
    (SELECT id FROM message WHERE id > %(after)s ORDER BY id LIMIT %(limit)s)
    UNION (SELECT DISTINCT message FROM delivery WHERE message > %(after)s ORDER BY message LIMIT %(limit)s)
) AS found ORDER BY id LIMIT %(limit)s
"""
ORDINALS: Final = "SELECT ordinal FROM delivery WHERE message = %s"
NEEDED: Final = "SELECT body_file FROM message WHERE body_file = ANY(%s)"
