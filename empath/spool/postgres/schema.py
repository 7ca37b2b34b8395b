"""The tables in a schema of the database, and how those of earlier versions become these.

``delivery.state`` is one of the numbers of ``states``; ``was`` is the one before, of what is claimed, in quarantine or
in the trash. Numbers of messages are drawn from a sequence in blocks, so that none is given twice, and none asked for.

A delivery that is claimed names the ``node`` and the ``epoch`` of the lease that it was claimed under. A lease ends
with the connection that holds the advisory lock of its node, so ``lease_until`` is ``infinity`` as long as there is one
node; the next holder has the next epoch, by which it knows the claims that nobody will ever record.

``came`` is when the message of a delivery came, and ``reply`` what its latest attempt came to; NULL in rows that were
written before version 2.

A large body is a ``file`` in ``chunk`` rows. Their octets are stored as they are, so that a part can be read without
the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from empath.spool.contract import SpoolError
from empath.spool.postgres.server import Connection

SCHEMA_VERSION: Final = 2
NODE: Final = 1
"""The one node."""
SCHEMA: Final = """
CREATE TABLE format (version integer NOT NULL);
CREATE TABLE node (
    id smallint PRIMARY KEY,
    holder text NOT NULL,
    pid integer NOT NULL,
    epoch bigint NOT NULL,
    lease_until timestamptz NOT NULL
);
CREATE TABLE message (
    id bigint PRIMARY KEY,
    mid text NOT NULL UNIQUE,
    received double precision NOT NULL,
    envelope bytea NOT NULL,
    size_bytes bigint NOT NULL,
    body_file text,
    body bytea,
    envelope_crc bigint,
    body_crc bigint,
    sender text NOT NULL,
    priority smallint NOT NULL
);
CREATE SEQUENCE number;
CREATE TABLE delivery (
    message bigint NOT NULL,
    ordinal integer NOT NULL,
    domain text NOT NULL,
    recipient text NOT NULL,
    priority smallint NOT NULL,
    state smallint NOT NULL,
    was smallint,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt double precision NOT NULL,
    last bytea NOT NULL DEFAULT '',
    aside text,
    since double precision NOT NULL DEFAULT 0,
    note text NOT NULL DEFAULT '',
    node smallint,
    epoch bigint,
    came double precision,
    reply text COLLATE "C",
    PRIMARY KEY (message, ordinal)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX due ON delivery (priority, next_attempt, message, ordinal) WHERE state < 3;
CREATE INDEX claims ON delivery (epoch) WHERE state = 3;
CREATE INDEX aside ON delivery (aside, (-priority), message, ordinal) WHERE aside IS NOT NULL;
CREATE INDEX ended ON delivery (state, since) WHERE state >= 6;
CREATE INDEX by_domain ON delivery (domain, message, ordinal);
CREATE INDEX by_recipient ON delivery (lower(recipient COLLATE "C"), message, ordinal);
CREATE INDEX by_priority ON delivery (priority, message, ordinal) WHERE priority <> 0;
CREATE INDEX by_sender ON message (lower(sender COLLATE "C"), id);
CREATE INDEX body_file ON message (body_file) WHERE body_file IS NOT NULL;
CREATE TABLE damage (message bigint PRIMARY KEY, mid text NOT NULL, reason text NOT NULL);
CREATE TABLE identity (token text NOT NULL);
CREATE TABLE rule (id text PRIMARY KEY, kind text NOT NULL, body bytea NOT NULL);
CREATE TABLE fingerprint (digest bytea PRIMARY KEY, at double precision NOT NULL, mid text NOT NULL);
CREATE INDEX fingerprint_at ON fingerprint (at);
CREATE TABLE file (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    size_bytes bigint NOT NULL DEFAULT 0
);
CREATE TABLE chunk (
    file bigint NOT NULL REFERENCES file ON DELETE CASCADE,
    start bigint NOT NULL,
    size_bytes integer NOT NULL,
    octets bytea NOT NULL,
    PRIMARY KEY (file, start)
);
ALTER TABLE chunk ALTER COLUMN octets SET STORAGE EXTERNAL;
"""
_FINDING: Final = """
CREATE INDEX by_state ON delivery (state, message, ordinal);
CREATE INDEX by_reply ON delivery (reply, message, ordinal) WHERE last <> '';
"""
_STEPS: Final[Mapping[int, str]] = {
    1: f"""
    ALTER TABLE delivery ADD COLUMN came double precision, ADD COLUMN reply text COLLATE "C";
    DROP INDEX by_state, by_received;
    {_FINDING}
    """,
}
"""From each earlier version to the next."""


def version_of(connection: Connection, schema: str) -> int | None:
    """The version of the queue that is there; None: there is none. A SpoolError: the schema is somebody else's."""
    if connection.execute("SELECT to_regclass(%s)::text", (f"{schema}.format",)).fetchall() == [(None,)]:
        foreign = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(%s)", (schema,)
        )
        if foreign.fetchall() != [(0,)]:
            raise SpoolError(
                f"the schema {schema} of the database has tables, and they are no queue; give the queue a database of "
                "its own"
            )
        return None
    return int(connection.execute("SELECT version FROM format").fetchall()[0][0])


def prepare(connection: Connection, schema: str) -> None:
    """See to it that there are tables of the present version. Nothing is touched before a SpoolError."""
    found = version_of(connection, schema)
    if found == SCHEMA_VERSION:
        return
    if found is not None:
        _upgrade(connection, found)
        return
    with connection.transaction():
        if connection.execute("SELECT to_regnamespace(%s)::text", (schema,)).fetchall() == [(None,)]:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        connection.execute(f"{SCHEMA}{_FINDING}".encode())
        connection.execute("INSERT INTO format VALUES (%s)", (SCHEMA_VERSION,))
        connection.execute("INSERT INTO node VALUES (%s, '', 0, 0, '-infinity')", (NODE,))


def _upgrade(connection: Connection, found: int) -> None:
    if found not in _STEPS:
        raise SpoolError(
            f"the queue in the database has schema {found}, and this program knows those up to {SCHEMA_VERSION}; "
            "install the version that wrote it, or a later one"
        )
    with connection.transaction():
        for version in range(found, SCHEMA_VERSION):
            connection.execute(_STEPS[version].encode())
        connection.execute("UPDATE format SET version = %s", (SCHEMA_VERSION,))
