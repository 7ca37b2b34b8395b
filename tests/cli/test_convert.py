"""``empath spool convert``."""

import os
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve

from empath.cli.spool import FINDINGS
from empath.mail.envelope import Envelope, Recipient
from empath.mail.record import encode_envelope
from empath.sim import SimulatedWorld
from empath.smtp import Address
from empath.spool.contract import Acceptance, Body
from empath.spool.grouped import GroupedSpool
from empath.spool.postgres import Server, open_postgres
from empath.spool.sqlite import open_database
from empath.world import TcpEndpoint
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload
from tests.cli.conftest import Sandbox
from tests.contracts.spools import NOW, Place, claim, content, message, mid
from tests.postgres import PostgresServer

LARGE = bytes(at % 251 for at in range(300_000))


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A configuration. Nobody listens."""
    made = Sandbox(tmp_path, TcpEndpoint("127.0.0.1", 1))
    made.configure()
    return made


def accepted(number: int, *recipients: str, body: Body = b"body") -> Acceptance:
    """A message whose envelope can be read."""
    to = tuple([Recipient(Address.parse(recipient)) for recipient in recipients])
    envelope = encode_envelope(Envelope(reverse_path=None, recipients=to, received=NOW))
    return evolve(message(number, *[one.partition("@")[2] for one in recipients], body=body), envelope=envelope)


@pytest.fixture
def full(sandbox: Sandbox) -> Path:
    """A spool with two messages, one of them large."""
    path = sandbox.directory / "spool" / "sandbox"

    async def put(spool: GroupedSpool) -> None:
        draft = await spool.draft_body(mid(1))
        await draft.write(LARGE)
        await spool.accept(accepted(1, "ann@example.org", body=await draft.commit()))
        await spool.accept(accepted(2, "ann@a.example", "bob@b.example"))

    async def run() -> None:
        offload = ThreadOffload("test", threads=2)
        disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
        world = evolve(SimulatedWorld(1).world, disk=disk, offload=offload)
        (path / "queue").mkdir(parents=True)
        place = Place(world, path, partial(open_database, str(path / "queue" / "queue.sqlite3")))
        async with place.open() as spool:
            await put(spool)
        offload.close()

    trio.run(run)
    return path


def test_mail_moves_to_another_backend_and_back(sandbox: Sandbox, full: Path) -> None:
    moved = sandbox.run("spool convert", "--to", "files")
    assert moved.exit_code == 0, moved.stderr
    assert "2 messages with 3 deliveries went from sqlite:" in moved.stderr
    assert 'set delivery.queue_backend = "files" now' in moved.stderr
    back = sandbox.run("spool convert", "--from", "file", "--to", "sqlite")
    assert "2 messages with 3 deliveries went from files:" in back.stderr
    assert sandbox.run("spool verify").exit_code == 0


def test_mail_moves_into_a_database_with_its_bodies(sandbox: Sandbox, full: Path, postgres: PostgresServer) -> None:
    url = postgres.fresh()
    file = sandbox.directory / "queue.url"
    file.write_text(url)
    moved = sandbox.run("spool convert", "--to", f"postgres:{file}")
    assert moved.exit_code == 0, moved.stderr
    assert list((full / "bodies").iterdir()) == []

    async def read() -> None:
        offload = ThreadOffload("test", threads=2)
        world = evolve(SimulatedWorld(1).world, offload=offload)
        async with open_postgres(world, full, Server(url, str(file), "empath_sandbox"), holder="this test") as spool:
            claims = {one.mid: one for one in (await claim(spool)).claims}
            assert await content(spool, claims[mid(1)].body) == LARGE
            assert [each.domain for each in claims[mid(2)].deliveries] == ["a.example", "b.example"]
        offload.close()

    trio.run(read)
    back = sandbox.run("spool convert", "--from", f"postgres:{file}", "--to", "sqlite")
    assert back.exit_code == 0, back.stderr
    assert sandbox.run("spool verify").exit_code == 0


def test_what_is_damaged_stays_and_is_named(sandbox: Sandbox, full: Path, postgres: PostgresServer) -> None:
    file = sandbox.directory / "queue.url"
    file.write_text(postgres.fresh())
    (body,) = (full / "bodies").iterdir()
    body.write_bytes(LARGE[:-1])
    moved = sandbox.run("spool convert", "--to", f"postgres:{file}")
    assert moved.exit_code == FINDINGS
    assert "is not what was accepted" in moved.stderr
    assert "1 messages are in sqlite:" in moved.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--to", "sqlite"), "cannot be moved onto itself"),
        (("--to", "postgres"), "nothing says which PostgreSQL server"),
        (("--to", "postgres:/nonexistent"), "/nonexistent cannot be read"),
        (("--from", "files", "--to", "sqlite:/tmp"), "there is no queue files:"),
    ],
)
def test_what_cannot_be_is_refused(sandbox: Sandbox, full: Path, arguments: tuple[str, ...], what: str) -> None:
    refused = sandbox.run("spool convert", *arguments)
    assert refused.exit_code == os.EX_UNAVAILABLE
    assert what in refused.stderr


def test_a_backend_that_there_is_not_is_named(sandbox: Sandbox) -> None:
    refused = sandbox.run("spool convert", "--to", "mysql")
    assert refused.exit_code == os.EX_USAGE
    assert "'mysql' is none of sqlite, files, postgres" in refused.stderr


def test_it_waits_for_no_daemon(sandbox: Sandbox, full: Path) -> None:
    files = SystemFiles()
    handle = files.lock(str(full / "lock"), "empath (pid 42)")
    refused = sandbox.run("spool convert", "--to", "files")
    files.close(handle)
    assert refused.exit_code == os.EX_UNAVAILABLE
    assert "in use by empath (pid 42)" in refused.stderr
