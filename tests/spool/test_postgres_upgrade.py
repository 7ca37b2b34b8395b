"""Queues of earlier versions in PostgreSQL: they are made ours in place, with all that is in them."""

import pytest

from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.progress import Progress, encode_progress
from empath.spool.contract import Row, Selector
from empath.spool.postgres.schema import SCHEMA_VERSION
from empath.spool.postgres.store import PostgresStore
from tests.contracts.spools import NOW, mid
from tests.postgres import PostgresServer
from tests.spool.test_postgres import do, store_at

FIRST = """
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
    PRIMARY KEY (message, ordinal)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX due ON delivery (priority, next_attempt, message, ordinal) WHERE state < 3;
CREATE INDEX claims ON delivery (epoch) WHERE state = 3;
CREATE INDEX aside ON delivery (aside, (-priority), message, ordinal) WHERE aside IS NOT NULL;
CREATE INDEX ended ON delivery (state, since) WHERE state >= 6;
CREATE INDEX by_state ON delivery (state, message, ordinal) WHERE state > 0;
CREATE INDEX by_domain ON delivery (domain, message, ordinal);
CREATE INDEX by_recipient ON delivery (lower(recipient COLLATE "C"), message, ordinal);
CREATE INDEX by_priority ON delivery (priority, message, ordinal) WHERE priority <> 0;
CREATE INDEX by_sender ON message (lower(sender COLLATE "C"), id);
CREATE INDEX by_received ON message (received);
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
"""As it was released. What stands here is history and does not follow the present schema."""
LATE = encode_progress(Progress(last=Diagnosis(kind=Kind.DNS, phase=Phase.END, text="greylisted for now")))
COLUMNS = """
SELECT table_name, column_name, data_type, collation_name, ordinal_position FROM information_schema.columns
WHERE table_schema = 'empath' ORDER BY 1, 5
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'empath' ORDER BY 1"


@pytest.fixture
def earlier(postgres: PostgresServer) -> str:
    """A queue with a message of two deliveries: one was deferred, one was claimed when the daemon died."""
    url = postgres.fresh()
    postgres.ask(f"CREATE SCHEMA empath; SET search_path TO empath; {FIRST}", url=url)
    postgres.ask("INSERT INTO empath.format VALUES (1)", url=url)
    postgres.ask("INSERT INTO empath.node VALUES (1, '', 0, 7, '-infinity')", url=url)
    message = "INSERT INTO empath.message VALUES (5, %s, %s, 'e', 4, NULL, 'body', NULL, NULL, 'a@a.example', 0)"
    postgres.ask(message, str(mid(1)), NOW, url=url)
    delivery = (
        "INSERT INTO empath.delivery (message, ordinal, domain, recipient, priority, state, attempts, next_attempt,"
        " last, epoch) VALUES (5, %s, 'b.example', 'b@b.example', 0, %s, 3, %s, %s, 7)"
    )
    postgres.ask(delivery, 0, 1, NOW, LATE, url=url)
    postgres.ask(delivery, 1, 3, NOW, b"", url=url)
    return url


def found(store: PostgresStore, selector: Selector) -> list[tuple[int, Status]]:
    rows: list[Row] = []
    do(store, lambda store: rows.extend(store.find(selector, now=NOW, after=None, limit=9).rows))
    return [(row.key.ordinal, row.status) for row in rows]


def test_what_waited_in_an_earlier_queue_waits_in_the_present_one_and_is_found(earlier: str) -> None:
    store = store_at(earlier)
    both = [(0, Status.RETRY), (1, Status.UNCERTAIN)]
    assert found(store, Selector()) == both
    assert found(store, Selector(reply="*GREY*")) == both[:1]
    assert found(store, Selector(received_after=NOW)) == both
    assert found(store, Selector(received_before=NOW)) == []
    store.close()


def test_an_earlier_queue_becomes_one_like_a_new_one(earlier: str, postgres: PostgresServer) -> None:
    new = postgres.fresh()
    for url in (earlier, new):
        store_at(url).close()
    for query in (COLUMNS, INDEXES, "SELECT version FROM empath.format"):
        assert postgres.ask(query, url=earlier) == postgres.ask(query, url=new)
    assert postgres.ask("SELECT version FROM empath.format", url=new) == [(SCHEMA_VERSION,)]
