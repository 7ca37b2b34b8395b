"""The backend on PostgreSQL: connections that break at any moment, and servers that cannot be used."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest

from empath.spool.contract import Claimed, DeliveryKey, Fate, Finished, SpoolError, SpoolHeld, Waiting
from empath.spool.postgres import Server, SpoolLost
from empath.spool.postgres.lease import Lease
from empath.spool.postgres.link import Link
from empath.spool.postgres.store import PostgresStore
from tests.contracts.spools import NOW, message
from tests.postgres import PostgresServer
from tests.spool.cutter import Cutter

LATER: Final = NOW + 1000


def store_at(url: str, holder: str = "this test", lost: Callable[[SpoolLost], None] = lambda _: None) -> PostgresStore:
    server = Server(url, "the file of this test")
    return PostgresStore(Link(server, Lease(holder, server.schema), lost))


def do(store: PostgresStore, operation: Callable[[PostgresStore], object]) -> object:
    (result,) = store.commit([operation], durable=True)
    return result.unwrap()


def claimed(store: PostgresStore, now: float = NOW) -> list[int]:
    found = do(store, lambda store: store.claim(now=now, until=now + 60, latest=now + 10_000, room=100))
    assert isinstance(found, Claimed)
    return [one.mid.number for one in found.claims]


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.emptied()


@pytest.fixture
def cutter(postgres: PostgresServer, tmp_path: Path) -> Iterator[Cutter]:
    with Cutter(f"{postgres.home}/.s.PGSQL.5432", f"{tmp_path}/.s.PGSQL.5432").running() as running:
        yield running


def again(store: PostgresStore, operation: Callable[[PostgresStore], object]) -> object:
    """Do something until it is done, as the daemon does with what must not be forgotten."""
    for _ in range(3):
        with suppress(SpoolError):
            return do(store, operation)
    raise AssertionError("it is not done")


def tell(store: PostgresStore) -> None:
    """Two messages come, are attempted, and one of them is delivered. Every step is repeated until it is done."""
    for number in (1, 2):
        again(store, lambda store: store.accept(message(number)))  # noqa: B023  it is done before the next
    keys: dict[int, DeliveryKey] = {}
    for moment in range(0, 1000, 100):
        now = NOW + moment
        found = again(store, lambda store: store.claim(now=now, until=now + 60, latest=LATER, room=10))  # noqa: B023
        assert isinstance(found, Claimed)
        assert not {one.mid.number for one in found.claims} & set(keys)
        keys |= {one.mid.number: one.deliveries[0].key for one in found.claims}
        if len(keys) == 2:
            break
    fates: list[Fate] = [Finished(key=keys[1]), Waiting(key=keys[2], next_attempt=LATER, attempts=1, last=b"why")]
    again(store, lambda store: store.record(fates))


@pytest.mark.parametrize("delivers", [False, True])
def test_a_cut_after_any_message_to_the_server_loses_nothing_and_doubles_nothing(
    cutter: Cutter, postgres: PostgresServer, tmp_path: Path, delivers: bool
) -> None:
    cuts = 0
    cutter.delivers = delivers
    for first in range(1, 1000):
        url = postgres.emptied()
        database = url.rpartition("dbname=")[2]
        store = store_at(f"host={tmp_path} user=postgres dbname={database}")
        cutter.left = first
        tell(store)
        was_cut, cutter.left = cutter.left <= 0, -1
        store.close()
        store = store_at(url)
        statistics = store.statistics()
        assert (statistics.messages, statistics.waiting, statistics.claimed, statistics.retry) == (1, 1, 0, 1)
        assert claimed(store, LATER) == [2]
        store.close()
        if not was_cut:
            break
        cuts += 1
    assert cuts > 20


def test_a_daemon_that_finds_the_epoch_of_another_is_lost(url: str) -> None:
    lost: list[SpoolLost] = []
    first = store_at(url, "the first", lost.append)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'empath writer'")
    second = store_at(url, "the second")
    second.close()
    for _ in range(2):
        with pytest.raises(SpoolLost, match="in use by the second since our connection was cut"):
            do(first, lambda store: store.touch())
    assert len(lost) == 1
    first.close()


def test_a_second_writer_is_refused_and_told_who_is_first(url: str) -> None:
    first = store_at(url, "empath (pid 42)")
    with pytest.raises(SpoolHeld, match=r"in use by empath \(pid 42\), connected from the host of the server"):
        store_at(url)
    first.close()
    store_at(url).close()


def test_claims_of_an_earlier_holder_wait_again_as_uncertain(url: str) -> None:
    first = store_at(url)
    do(first, lambda store: store.accept(message(1)))
    assert claimed(first) == [1]
    first.close()
    second = store_at(url)
    assert second.statistics().uncertain == 1
    assert claimed(second, NOW + 60) == [1]
    second.close()


def test_a_schema_of_a_later_version_is_refused_and_not_touched(postgres: PostgresServer) -> None:
    url = postgres.fresh()
    store_at(url).close()
    postgres.ask("UPDATE empath.format SET version = 99", url=url)
    with pytest.raises(SpoolError, match="has schema 99, and this program knows those up to 2"):
        store_at(url)
    assert postgres.ask("SELECT epoch FROM empath.node", url=url) == [(1,)]


def test_tables_of_somebody_else_are_not_touched(postgres: PostgresServer) -> None:
    url = postgres.fresh()
    postgres.ask("CREATE SCHEMA empath CREATE TABLE letters (text text)", url=url)
    with pytest.raises(SpoolError, match="they are no queue"):
        store_at(url)
    assert postgres.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'empath'", url=url) == [("letters",)]


def test_a_server_that_does_not_sync_is_refused(postgres: PostgresServer, url: str) -> None:
    for value in ("off", "on"):
        postgres.ask(f"ALTER SYSTEM SET fsync = {value}")
        postgres.ask("SELECT pg_reload_conf(), pg_sleep(0.2)")
        if value == "off":
            with pytest.raises(SpoolError, match="fsync = off"):
                store_at(url)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("host=/nonexistent", "see that the server runs and that the file of this test says where"),
        ("what is this", "the file of this test holds no connection string"),
        ("host=/nonexistent password=geheim user=ann", r"PostgreSQL \(host /nonexistent, user ann\) cannot be used"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_its_password(url: str, what: str) -> None:
    with pytest.raises(SpoolError, match=what) as refused:
        store_at(url)
    assert "geheim" not in str(refused.value)
    assert "geheim" not in repr(Server("password=geheim", "file"))


def test_a_connection_that_is_good_for_nothing_any_more_is_given_up(url: str) -> None:
    """As happens when a server ends a connection between two results of a pipeline: psycopg does not see an end."""
    store = store_at(url)

    def leave_results_behind(store: PostgresStore) -> None:
        store._connection.pgconn.send_query_params(b"SELECT 1", None)
        raise RuntimeError("in the middle of it")

    (result,) = store.commit([leave_results_behind], durable=True)
    with pytest.raises((RuntimeError, SpoolError)):
        result.unwrap()
    (result,) = store.commit([lambda store: store.accept(message(1))], durable=True)
    result.unwrap()
    assert claimed(store) == [1]
    store.close()


def test_what_a_server_says_again_and_again_is_said_once(url: str) -> None:
    server = Server(url, "the file of this test")
    said = str(server.explained(psycopg.OperationalError("no query is allowed now\n" * 1000)))
    assert len(said) < 600


def test_numbers_that_a_server_forgets_when_it_crashes_are_given_to_no_two_messages(
    url: str, postgres: PostgresServer
) -> None:
    """A sequence that nothing was committed behind goes back; what the store has drawn of it is not its own then."""
    store = store_at(url)
    do(store, lambda store: store.accept(message(0)))
    ((drawn,),) = postgres.ask("SELECT min(id) FROM empath.message", url=url)
    postgres.ask("SELECT setval('empath.number', %s)", drawn, url=url)
    postgres.cut("empath writer")
    again(store, lambda store: store.accept(message(1)))
    for numbers in (range(2, 1000), range(1000, 1010)):
        more = [lambda store, number=number: store.accept(message(number)) for number in numbers]
        for result in store.commit(more, durable=True):
            result.unwrap()
    store.close()
