"""What keeps the queue of an Empath that is measured: where it lies, and how it is opened while no daemon runs."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from bench import process_tree
from bench.empath_mta import Empath, configuration
from bench.mta import Place
from empath.spool import open_database
from empath.spool.files import open_files
from empath.spool.postgres import Server
from empath.spool.postgres.lease import Lease
from empath.spool.postgres.link import Link
from empath.spool.postgres.store import PostgresStore
from empath.spool.store import Store
from empath.world.files import SystemFiles
from tests.postgres import PostgresServer, programs

BACKENDS: Final = ("sqlite", "files", "postgres")


@frozen(kw_only=True)
class Backend:
    """One of `BACKENDS`; postgres has a server of its own."""

    name: str
    server: PostgresServer | None = None

    def lay_out(self, directory: Path) -> None:
        """Make what an empty queue needs in a place."""
        (directory / "spool" / "queue").mkdir(parents=True, mode=0o700)
        if self.server is not None:
            (directory / "queue.url").write_text(self.server.fresh())

    def open(self, directory: Path) -> Store:
        """Open the queue of a place."""
        queue = directory / "spool" / "queue"
        if self.server is not None:
            server = Server((directory / "queue.url").read_text(), "queue.url")
            return PostgresStore(Link(server, Lease("bench", server.schema), lambda _: None))
        if self.name == "files":
            return open_files(str(queue), SystemFiles())
        return open_database(str(queue / "queue.sqlite3"))

    def come_to_rest(self, directory: Path) -> None:
        """Have done now what a server would do in the next minutes for tables that were just filled."""
        if self.server is not None:
            self.server.ask("VACUUM ANALYZE", url=(directory / "queue.url").read_text())

    def cpu_s(self) -> float:
        """What all processes of the server have spent so far; 0: there is none."""
        if self.server is None:
            return 0.0
        return process_tree.cpu_s(int((self.server.data / "postmaster.pid").read_text().split()[0]))


@contextmanager
def backend(name: str, below: Path) -> Iterator[Backend]:
    """A backend for a time. The data of a server lie on the disk of this directory."""
    if name != "postgres":
        yield Backend(name=name)
        return
    found = programs()
    if found is None:
        raise SystemExit("no PostgreSQL server is installed here (initdb)")
    with PostgresServer(Path(tempfile.mkdtemp(prefix="empath-bench-pg-", dir=below)), found) as server:
        yield Backend(name=name, server=server)


@frozen(kw_only=True)
class EmpathOn(Empath):
    """Empath with such a queue, and a control socket."""

    backend: Backend

    def prepare(self, place: Place) -> Sequence[str | Path]:
        command = super().prepare(place)
        others = configuration(place).replace("api.enabled = false\n", "")
        (place.directory / "empath.toml").write_text(f"{self._settings(place)}\n{others}")
        return command

    def _settings(self, place: Place) -> str:
        lines = [
            f'delivery.queue_backend = "{self.backend.name}"',
            f"api.control_socket = {json.dumps(str(control_socket(place)))}",
            'api.listen_addr = "127.0.0.1:0"',
        ]
        if self.backend.server is not None:
            lines.append(f"delivery.queue_url_file = {json.dumps(str(place.directory / 'queue.url'))}")
        return "\n".join(lines)


def control_socket(place: Place) -> Path:
    """Where the daemon of a place listens for empathctl."""
    return place.directory / "control.sock"
