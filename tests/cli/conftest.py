"""A sandbox for the commands: a configuration, and a real listener on loopback that keeps what it takes."""

import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import pytest
import trio
from attrs import frozen
from click.testing import CliRunner, Result

from empath.capture import Archive, Captured, CapturedMessage, listing, load, serve
from empath.cli.main import main
from empath.world import Disk, Endpoint, TcpEndpoint
from empath.world.clock import SystemClock
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.network import SystemNetwork
from empath.world.offload import ThreadOffload

T = TypeVar("T")


@frozen
class Sandbox:
    """A directory with a configuration that leads to a listener."""

    directory: Path
    endpoint: Endpoint

    @property
    def config_file(self) -> Path:
        return self.directory / "empath.toml"

    @property
    def archive(self) -> Path:
        return archive_in(self.directory)

    def configure(self, settings: str = "") -> None:
        """Write the configuration, with more settings for the listener."""
        self.config_file.write_text(
            f'mode = "sandbox"\nhostname = "host.example"\nspool.path = "{self.directory}/spool"\n'
            f'[[smtp.listeners]]\nlisten_addr = "{self.endpoint}"\n{settings}'
        )

    def run(self, command: str, *arguments: str, stdin: bytes = b"") -> Result:
        """Run a subcommand of ``empath`` with the configuration."""
        return CliRunner().invoke(main, [*command.split(), "--config", str(self.config_file), *arguments], input=stdin)

    def records(self) -> tuple[Captured, ...]:
        """Return the records of all that was taken."""
        return read(lambda disk: listing(disk, self.archive))

    def message(self, number: int = 1) -> CapturedMessage:
        """Return one message that was taken."""
        message = read(lambda disk: load(disk, self.archive, number))
        assert message is not None
        return message


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    ready: SimpleQueue[tuple[Endpoint, Callable[[], None]]] = SimpleQueue()

    async def peer() -> None:
        archive = await Archive.open(real_disk(), SystemClock(), archive_in(tmp_path))
        listener = partial(serve, SystemNetwork(), TcpEndpoint("127.0.0.1", 0), archive=archive)
        async with trio.open_nursery() as nursery:
            endpoint = await nursery.start(listener)
            token = trio.lowlevel.current_trio_token()
            ready.put((endpoint, partial(token.run_sync_soon, nursery.cancel_scope.cancel)))

    # In a thread, as in another process: the command has an event loop of its own.
    thread = threading.Thread(target=trio.run, args=(peer,))
    thread.start()
    endpoint, stop = ready.get(timeout=30)
    sandbox = Sandbox(tmp_path, endpoint)
    sandbox.configure()
    yield sandbox
    stop()
    thread.join()


def archive_in(directory: Path) -> Path:
    """Return where the sandbox that is configured in this directory captures."""
    return directory / "spool" / "sandbox" / "captured"


def real_disk() -> Disk:
    """Return a disk whose threads end with the process."""
    return DurableDisk(SystemFiles(), ThreadOffload("test", threads=1), SystemEntropy())


def read(reader: Callable[[Disk], Awaitable[T]]) -> T:
    """Run one of the reading functions of an archive."""

    async def run() -> T:
        return await reader(real_disk())

    return trio.run(run)
