"""``empath spool verify`` and ``empath spool release``."""

import json
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio
from attrs import evolve, frozen

from empath.cli.spool import FINDINGS
from empath.mail.envelope import Envelope, Recipient
from empath.mail.record import encode_envelope
from empath.sim import SimulatedWorld
from empath.smtp import Address
from empath.spool.contract import Quarantined
from empath.spool.grouped import GroupedSpool
from empath.spool.sqlite import open_database
from empath.world import TcpEndpoint
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload
from tests.cli.conftest import Sandbox
from tests.contracts.spools import NOW, Place, claim, message, mid, numbers

LARGE = bytes(at % 251 for at in range(300_000))
SOUND = 3
"""Messages, of which the third has a file."""


@frozen
class Home:
    """A spool that a daemon has left, and the commands for it."""

    sandbox: Sandbox

    @property
    def spool(self) -> Path:
        return self.sandbox.directory / "spool" / "sandbox"

    @property
    def database(self) -> Path:
        return self.spool / "queue" / "queue.sqlite3"

    @property
    def body(self) -> Path:
        (path,) = (self.spool / "bodies").iterdir()
        return path

    def use(self, act: Callable[[GroupedSpool], Awaitable[None]]) -> None:
        async def run() -> None:
            offload = ThreadOffload("test", threads=2)
            disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
            world = evolve(SimulatedWorld(1).world, disk=disk, offload=offload)
            async with Place(world, self.spool, partial(open_database, str(self.database))).open() as spool:
                await act(spool)
            offload.close()

        trio.run(run)

    def execute(self, statement: str) -> None:
        connection = apsw.Connection(str(self.database))
        connection.execute(statement)
        connection.close()

    def verify(self) -> list[list[str]]:
        """What is found: state and the rest of each line."""
        result = self.sandbox.run("spool verify")
        assert result.exit_code == (FINDINGS if result.stdout else os.EX_OK)
        return [line.split("\t") for line in result.stdout.splitlines()]


async def fill(spool: GroupedSpool) -> None:
    recipient = Recipient(Address.parse("ann@example.org"))
    envelope = encode_envelope(Envelope(reverse_path=None, recipients=(recipient,), received=NOW))
    for number in range(1, SOUND):
        await spool.accept(evolve(message(number), envelope=envelope))
    draft = await spool.draft_body(mid(SOUND))
    await draft.write(LARGE)
    await spool.accept(evolve(message(SOUND, body=await draft.commit()), envelope=envelope))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(Sandbox(tmp_path, TcpEndpoint("127.0.0.1", 1)))
    made.sandbox.configure()
    made.database.parent.mkdir(parents=True)
    made.use(fill)
    return made


def contents(home: Home) -> dict[str, bytes]:
    paths = [path for path in home.spool.rglob("*") if path.is_file() and path.name != "lock"]
    return {path.name: path.read_bytes() for path in paths}


def test_a_sound_spool_is_sound_and_is_left_as_it_is(home: Home) -> None:
    before = contents(home)
    result = home.sandbox.run("spool verify")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "3 messages with 3 deliveries, 1 of them with a body file" in result.stderr
    assert "0 are damaged, 0 in quarantine; 0 files are left over" in result.stderr
    assert contents(home) == before


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE message SET body = x'00' WHERE id = 1", "its body has 1 octets; 4 were accepted"),
        ("UPDATE message SET body = x'00000000' WHERE id = 1", "its body is not what was accepted (checksum)"),
        ("UPDATE message SET envelope = x'00' WHERE id = 1", "its envelope is not what was accepted (checksum)"),
        ("UPDATE message SET envelope = x'00', envelope_crc = NULL WHERE id = 1", "its envelope cannot be read"),
        ("DELETE FROM delivery WHERE message = 1", "no delivery is left of it"),
        ("UPDATE delivery SET ordinal = 5 WHERE message = 1", "it has a delivery to recipient 6 of 1"),
    ],
)
def test_a_row_that_is_not_what_was_accepted_is_found(home: Home, statement: str, why: str) -> None:
    home.execute(statement)
    ((state, name, what),) = home.verify()
    assert (state, name) == ("damaged", str(mid(1)))
    assert why in what


def test_a_delivery_without_a_message_is_found(home: Home) -> None:
    home.execute("DELETE FROM message WHERE id = 2")
    assert home.verify() == [["damaged", "number 2", "its row is not there"]]


def test_a_body_file_that_is_missing_or_another_one_is_found(home: Home) -> None:
    path = home.body
    for content, why in (
        (LARGE[1:] + b"?", "(checksum)"),
        (LARGE[1:], "299999 octets; 300000 were"),
        (None, "missing"),
    ):
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        ((state, name, what),) = home.verify()
        assert (state, name) == ("damaged", str(mid(SOUND)))
        assert why in what


def test_files_that_no_row_needs_are_named_and_are_no_fault(home: Home) -> None:
    for name in ("other", "draft.tmp"):
        (home.spool / "bodies" / name).write_bytes(b"x")
    result = home.sandbox.run("spool verify")
    assert result.exit_code == 0
    found = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(state, Path(name).name, what.split(";")[0]) for state, name, what in found] == [
        ("leftover", "draft.tmp", "it was not finished"),
        ("leftover", "other", "no message needs it"),
    ]


def test_damage_of_the_database_itself_is_found(home: Home) -> None:
    content = bytearray(home.database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    home.database.write_bytes(content)
    assert {state for state, *_ in home.verify()} == {"database"}


def test_json_has_all_of_it(home: Home) -> None:
    home.execute("DELETE FROM message WHERE id = 2")
    record = json.loads(home.sandbox.run("spool verify", "--json").stdout)
    assert record == {
        "schema": "empath.spool-verify/1",
        "messages": 3,
        "deliveries": 3,
        "body_files": 1,
        "size_bytes": 300_004,
        "findings": [{"state": "damaged", "name": "number 2", "detail": "its row is not there"}],
    }


def test_what_is_in_quarantine_is_named_until_it_is_released(home: Home) -> None:
    async def put_away(spool: GroupedSpool) -> None:
        await spool.record(
            [Quarantined(key=one.deliveries[0].key, reason="torn") for one in (await claim(spool)).claims[:1]]
        )

    async def is_back(spool: GroupedSpool) -> None:
        assert 1 in numbers(await claim(spool, now=NOW + 3600))

    home.use(put_away)
    assert home.verify() == [["quarantined", str(mid(1)), "torn (when it was due; now nothing is wrong)"]]
    assert home.sandbox.run("spool release", str(mid(1))).exit_code == 0
    assert home.verify() == []
    home.use(is_back)
    again = home.sandbox.run("spool release", str(mid(1)))
    assert again.exit_code == os.EX_NOINPUT
    assert f"error[SPL003] there is no message {mid(1)} in quarantine" in again.stderr


def test_a_spool_that_a_daemon_has_open_is_in_use(home: Home) -> None:
    lock = SystemFiles().lock(str(home.spool / "lock"), "empath (pid 42)")
    for command in (["spool verify"], ["spool release", "x"]):
        result = home.sandbox.run(*command)
        assert result.exit_code == os.EX_UNAVAILABLE
        assert "is in use by empath (pid 42)" in result.stderr
    SystemFiles().close(lock)


def test_where_there_is_no_spool_nothing_is_made(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, TcpEndpoint("127.0.0.1", 1))
    sandbox.configure()
    for command in (["spool verify"], ["spool release", "x"]):
        result = sandbox.run(*command)
        assert result.exit_code == os.EX_NOINPUT
        assert "error[SPL001] there is no spool in " in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["empath.toml"]


def test_a_queue_of_another_version_is_refused_and_not_brought_up_to_date(home: Home) -> None:
    home.execute("PRAGMA user_version = 2")
    for command in (["spool verify"], ["spool release", "x"]):
        result = home.sandbox.run(*command)
        assert result.exit_code == os.EX_IOERR
        assert "has schema 2" in result.stderr


def test_bodies_of_another_queue_are_refused(home: Home) -> None:
    (home.spool / "queue.id").write_text("another\n")
    result = home.sandbox.run("spool verify")
    assert result.exit_code == os.EX_IOERR
    assert "do not belong together" in result.stderr


def test_what_a_daemon_that_died_has_left_in_its_log_is_read_and_left_there(home: Home) -> None:
    store = open_database(str(home.database))
    envelope = encode_envelope(Envelope(reverse_path=None, recipients=(), received=NOW))
    store.commit([lambda store: store.accept(evolve(message(9), envelope=envelope))], durable=True)[0].unwrap()
    saved = contents(home)
    store.close()
    for name in (home.database.name, f"{home.database.name}-wal"):
        (home.database.parent / name).write_bytes(saved[name])
    assert home.verify() == [["damaged", str(mid(9)), "it has a delivery to recipient 1 of 0"]]
    assert contents(home) == saved
