"""Mail of another backend in the place of the queue."""

from pathlib import Path

import pytest
from attrs import evolve

from empath.cli.backend import refuse_mail_of_others, watchful_store_of
from empath.config.schema import Config, QueueBackend
from empath.sim import SimulatedWorld
from empath.spool.contract import Finished, SpoolError
from empath.spool.postgres import Server, open_postgres
from empath.world.disk import DurableDisk
from empath.world.files import SystemFiles
from tests.contracts.spools import claim, message
from tests.postgres import PostgresServer


def config_of(directory: Path, backend: QueueBackend) -> Config:
    made = Config()
    spool = evolve(made.spool, path=directory)
    return evolve(made, spool=spool, delivery=evolve(made.delivery, queue_backend=backend))


def put_one(config: Config) -> None:
    config.queue_path.mkdir(parents=True, exist_ok=True)
    (config.spool_path / "lock").touch()
    store = watchful_store_of(config)()
    (result,) = store.commit([lambda store: store.accept(message(1))], durable=True)
    result.unwrap()
    store.close()


@pytest.mark.parametrize("kept", [QueueBackend.SQLITE, QueueBackend.FILES])
@pytest.mark.parametrize("named", list(QueueBackend))
def test_a_queue_is_not_opened_beside_the_mail_of_another_backend(
    tmp_path: Path, kept: QueueBackend, named: QueueBackend
) -> None:
    put_one(config_of(tmp_path, kept))
    config = config_of(tmp_path, named)
    if named is kept:
        refuse_mail_of_others(config)
        return
    with pytest.raises(SpoolError, match=f"1 messages are in .*spool convert --from {kept.value}"):
        refuse_mail_of_others(config)


def test_an_empty_queue_of_another_backend_is_no_obstacle(tmp_path: Path) -> None:
    config = config_of(tmp_path, QueueBackend.SQLITE)
    config.queue_path.mkdir(parents=True)
    (config.spool_path / "lock").touch()
    watchful_store_of(config)().close()
    other = config_of(tmp_path, QueueBackend.FILES)
    watchful_store_of(other)().close()
    watchful_store_of(config)().close()


def test_a_database_that_cannot_be_read_is_not_taken_for_empty(tmp_path: Path) -> None:
    config = config_of(tmp_path, QueueBackend.FILES)
    config.queue_path.mkdir(parents=True)
    (config.queue_path / "queue.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(SpoolError, match="lies here and cannot be read"):
        watchful_store_of(config)()


async def test_a_queue_on_this_machine_is_not_opened_beside_one_with_mail_on_a_server(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    config = config_of(tmp_path, QueueBackend.SQLITE)
    config.queue_path.mkdir(parents=True)
    (config.spool_path / "lock").touch()
    server, world = Server(postgres.emptied(), "queue.url"), SimulatedWorld(1).world
    world = evolve(world, disk=DurableDisk(SystemFiles(), world.offload, world.entropy))
    async with open_postgres(world, config.spool_path, server, holder="this test") as spool:
        await spool.accept(message(1))
    with pytest.raises(SpoolError, match=r"mail in PostgreSQL \(host .*convert --from postgres:FILE .*or remove"):
        watchful_store_of(config)()
    refuse_mail_of_others(config_of(tmp_path, QueueBackend.POSTGRES))
    async with open_postgres(world, config.spool_path, server, holder="this test") as spool:
        claims = (await claim(spool)).claims
        await spool.record([Finished(key=each.key) for one in claims for each in one.deliveries])
    watchful_store_of(config)().close()
