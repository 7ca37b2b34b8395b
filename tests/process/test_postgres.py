"""The daemon on PostgreSQL: killed, robbed of its connections, of its server and of its lock, under load.

What was promised arrives, whatever happens to whom; nothing is promised meanwhile that is not kept; and nothing arrives
twice but what was in flight when the daemon was killed. ``SOAK_ROUNDS`` and ``SOAK_SEED`` are those of ``test_kill``.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from threading import Thread

import psycopg
import pytest

from tests.postgres import PostgresServer, running
from tests.process.daemon import Daemon, empath, live
from tests.process.load import Load
from tests.process.sink import Sink
from tests.process.test_kill import (
    LONGEST_ROUND_S,
    PATIENCE_S,
    RECIPIENTS_PER_S,
    SEED,
    THINKING_S,
    needless_repetitions,
)
from tests.process.waiting import wait_until

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "2"))
LOCK = b"SELECT classid::bigint, objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.fresh()


def on(url: str, home: Path, *, next_hop: str) -> Path:
    """Write the configuration of a relay whose queue is in this database."""
    file = home / "queue.url"
    file.write_text(f"{url}\n")
    settings = f'delivery.queue_backend = "postgres"\ndelivery.queue_url_file = "{file}"'
    return live(home, next_hop=next_hop, settings=settings)


def disturbed(url: str, home: Path, disturb: Callable[[Daemon, Random], None], *, rounds: int) -> Sink:
    """Send to a daemon that is disturbed again and again, see that nothing is lost, and return what arrived."""
    print(f"SOAK_SEED={SEED}")
    random = Random(SEED)
    with (
        Sink(delay_s=THINKING_S, keep_content=False) as sink,
        Daemon(home, on(url, home, next_hop=sink.address)) as daemon,
    ):
        with Load(SEED, lambda: daemon.port) as load:
            for _ in range(rounds):
                time.sleep(random.uniform(0.05, LONGEST_ROUND_S))
                disturb(daemon, random)
            time.sleep(LONGEST_ROUND_S / 2)
            before = len(load.promised)
            wait_until(lambda: len(load.promised) > before, PATIENCE_S)
        # Reception is faster than delivery to a host that thinks, so there is much to catch up with after many rounds.
        sink.wait_for_recipients(load.promised, PATIENCE_S + len(load.promised) / RECIPIENTS_PER_S)
        assert daemon.stop() == 0, daemon.log
    arrivals = [(recipient, message) for message in sink.arrived for recipient in message.recipients]
    repeated = Counter(recipient for recipient, _ in arrivals)
    lost = load.promised - set(repeated)
    repetitions = repeated.total() - len(repeated)
    print(f"{rounds} rounds, {len(load.promised)} recipients promised, {len(lost)} lost, {repetitions} repeated")
    assert lost == set()
    assert [name for name, message in arrivals if message.digest != load.digests[name]] == []
    return sink


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_a_daemon_killed_at_any_moment_loses_nothing_and_repeats_only_what_was_in_flight(
    url: str, tmp_path: Path
) -> None:
    def kill(daemon: Daemon, _: Random) -> None:
        daemon.kill()
        daemon.start()

    assert needless_repetitions(disturbed(url, tmp_path, kill, rounds=ROUNDS)) == []


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_a_server_that_crashes_at_any_moment_loses_nothing_and_nothing_is_sent_again(
    url: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    def crash(_: Daemon, random: Random) -> None:
        postgres.stop("immediate")
        time.sleep(random.uniform(0, 0.5))
        postgres.start()

    assert repetitions(disturbed(url, tmp_path, crash, rounds=ROUNDS)) == []


@pytest.mark.timeout(600 + 10 * ROUNDS)
def test_connections_that_are_cut_at_any_moment_lose_nothing_and_nothing_is_sent_again(
    url: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    def cut(_: Daemon, random: Random) -> None:
        for _number in range(5):
            postgres.cut(random.choice(["empath writer", "empath bodies", "empath%"]))
            time.sleep(0.05)

    assert repetitions(disturbed(url, tmp_path, cut, rounds=ROUNDS)) == []


def repetitions(sink: Sink) -> list[str]:
    """Return who got something twice."""
    counts = Counter(recipient for message in sink.arrived for recipient in message.recipients)
    return [recipient for recipient, count in counts.items() if count > 1]


def test_a_daemon_whose_lock_goes_to_another_ends_and_what_it_has_promised_is_kept(
    url: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    with (
        Sink(delay_s=THINKING_S, keep_content=False) as sink,
        Daemon(tmp_path, on(url, tmp_path, next_hop=sink.address)) as daemon,
    ):
        with Load(SEED, lambda: daemon.port) as load, psycopg.connect(url, autocommit=True) as other:
            wait_until(lambda: len(load.promised) > 50)
            ((group, key),) = other.execute(LOCK).fetchall()
            robber = Thread(target=other.execute, args=(f"SELECT pg_advisory_lock({group}, {key})".encode(),))
            robber.start()
            wait_until(lambda: postgres.ask(WAITS, url=url) == [(1,)])
            postgres.cut("empath writer")
            assert daemon.wait() == os.EX_UNAVAILABLE, daemon.log
            robber.join()
        assert "the queue is in use by another process" in daemon.log
        daemon.start()
        sink.wait_for_recipients(load.promised, PATIENCE_S)
        assert load.promised <= sink.reached
        assert daemon.stop() == 0


def test_a_second_daemon_is_refused_and_told_who_is_first(url: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for home in (first, second):
        home.mkdir()
    config = on(url, second, next_hop="127.0.0.1:1")
    with Daemon(first, on(url, first, next_hop="127.0.0.1:1")) as daemon:
        refused = empath("serve", "--config", str(config), home=second)
        assert refused.status == os.EX_UNAVAILABLE
        assert f"in use by empath (pid {daemon.process.pid}), connected from" in refused.stderr


def test_what_is_wrong_with_the_server_is_said_at_the_start(tmp_path: Path, postgres: PostgresServer) -> None:
    config = on(postgres.url("nowhere"), tmp_path, next_hop="127.0.0.1:1")
    refused = empath("serve", "--config", str(config), home=tmp_path)
    assert refused.status == os.EX_UNAVAILABLE, refused.stderr
    said = " ".join(refused.stderr.split())
    assert 'database "nowhere" does not exist' in said
    assert "make the role and the database" in said
