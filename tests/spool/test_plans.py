"""Whatever is looked for is looked up by an index that has it in order: by people, by claims, and by what tidies up.

A plan that reads a whole table, or puts all that it finds in order, stops mail for as long as that takes.
"""

import re
from collections.abc import Iterator

import apsw
import pytest

from empath.mail.delivery import Status
from empath.spool import statements as sql
from empath.spool.finding import By, Condition
from empath.spool.finding.database import statement_of as in_database
from empath.spool.postgres import care
from empath.spool.postgres import statements as server_sql
from empath.spool.postgres.lookups import REPLIES
from empath.spool.postgres.lookups import statement_of as in_server
from empath.spool.postgres.store import PostgresStore
from empath.spool.schema import SCHEMA
from tests.contracts.spools import NOW
from tests.postgres import PostgresServer
from tests.spool.test_postgres import store_at

STATUSES = sorted(set(Status) - {Status.COMPLETED}, key=lambda status: status.value)
LOOKED_UP = [
    *[Condition(By.STATUS, status) for status in STATUSES],
    Condition(By.ALL),
    Condition(By.TRASH),
    Condition(By.QUARANTINE),
    Condition(By.DOMAIN, "a.example"),
    Condition(By.RECIPIENT, "a@a.example"),
    Condition(By.PRIORITY, 3),
    Condition(By.REPLY, "451 later"),
    Condition(By.REPLY, None),
]
PUT_IN_ORDER = [Condition(By.DUE, NOW), Condition(By.MESSAGES, ("6911c5b5-2a",)), Condition(By.SENDER, "a@a.example")]
"""A bounded number of rows."""
IN_DATABASE = {
    **{f"{one.by.name} {one.value}": in_database(one)[0] for one in LOOKED_UP},
    "by sender": sql.FROM,
    "set aside for": sql.SET_ASIDE_FOR,
    "due": sql.DUE,
    "astray": sql.ASTRAY,
    "next due": sql.NEXT_DUE,
    "some due": sql.SOME_DUE,
    "kept long enough": sql.OVER,
    "kept from the future": sql.AHEAD,
    "by file": sql.NEEDS,
}
IN_SERVER: dict[str, tuple[str, dict[str, object]]] = {
    **{
        f"{one.by.name} {one.value}": (in_server(one)[0], {"value": in_server(one)[1], "message": 7, "ordinal": 0})
        for one in LOOKED_UP
    },
    "next due": (server_sql.NEXT_DUE, {}),
}
SORTED_IN_SERVER: dict[str, tuple[str, dict[str, object]]] = {
    **{
        one.by.name: (in_server(one)[0], {"value": in_server(one)[1], "message": 7, "ordinal": 0})
        for one in PUT_IN_ORDER
    },
    "set aside for": (in_server(Condition(By.SITE, "a"))[0], {"value": "a", "message": 7, "ordinal": 0}),
    "due": (server_sql.DUE, {"now": NOW, "latest": NOW, "limit": 9, "head_start": 0.0}),
    "kept": (
        care.OVER,
        {"failed_before": NOW, "failed_after": NOW, "trash_before": NOW, "trash_after": NOW, "limit": 9},
    ),
}


@pytest.fixture(scope="module")
def database() -> Iterator[apsw.Connection]:
    with apsw.Connection(":memory:") as connection:
        connection.execute(SCHEMA)
        yield connection


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Iterator[PostgresStore]:
    store = store_at(postgres.fresh())
    # The tables of a test are small, and a small table is read as a whole.
    store._connection.execute("SET enable_seqscan TO off; SET enable_sort TO off")
    yield store
    store.close()


def steps(database: apsw.Connection, statement: str) -> list[str]:
    """What SQLite would do, whatever the values that it asks for."""
    asked = re.sub(r"\?\d*", "1", statement)
    return [str(row[-1]) for row in database.execute(f"EXPLAIN QUERY PLAN {asked}")]


def plan(server: PostgresStore, statement: str, values: dict[str, object]) -> str:
    """What the server would do."""
    rows = server._connection.execute(f"EXPLAIN {statement}".encode(), {"most": 9} | values).fetchall()
    return "\n".join(line for (line,) in rows)


@pytest.mark.parametrize("what", IN_DATABASE)
def test_sqlite_goes_by_an_index_that_has_it_in_order(database: apsw.Connection, what: str) -> None:
    found = steps(database, IN_DATABASE[what])
    assert [step for step in found if not step.startswith("SEARCH")] == []


@pytest.mark.parametrize("condition", PUT_IN_ORDER, ids=lambda one: one.by.name)
def test_sqlite_puts_only_in_order_what_an_index_has_chosen(database: apsw.Connection, condition: Condition) -> None:
    found = [step for step in steps(database, in_database(condition)[0]) if step.startswith("SCAN")]
    assert [step for step in found if step not in ("SCAN name VIRTUAL TABLE INDEX 1:", "SCAN chosen")] == []


@pytest.mark.parametrize("what", IN_SERVER)
def test_postgresql_can_go_by_an_index_that_has_it_in_order(server: PostgresStore, what: str) -> None:
    found = plan(server, *IN_SERVER[what])
    assert "Index" in found
    assert [word for word in ("Seq Scan", "Sort", "Bitmap", "Hash", "Merge") if word in found] == [], found


@pytest.mark.parametrize("what", SORTED_IN_SERVER)
def test_postgresql_puts_only_in_order_what_an_index_has_chosen(server: PostgresStore, what: str) -> None:
    found = plan(server, *SORTED_IN_SERVER[what])
    assert "Index" in found
    assert [word for word in ("Seq Scan", "Bitmap", "Hash", "Merge") if word in found] == [], found


def test_replies_are_told_apart_without_a_look_at_those_that_are_the_same(
    database: apsw.Connection, server: PostgresStore
) -> None:
    found = steps(database, sql.REPLIES)
    assert [step for step in found if "delivery" in step and "SEARCH delivery USING" not in step] == []
    assert "Seq Scan on delivery" not in plan(server, REPLIES, {"first": "", "last": "x"})
