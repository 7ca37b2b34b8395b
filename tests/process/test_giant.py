"""A message that is larger than memory goes through, and the daemon does not grow by it.

``just giant 2048`` sends 2 GiB each way with each backend; the ordinary run sends less, which shows the same.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.postgres import running
from tests.process.daemon import Daemon, live
from tests.process.giant import GiantClient, GiantSink, blocks_of, digest_of

SIZE_MIB: Final = int(os.environ.get("GIANT_MIB", "64"))
MOST_GROWTH_MIB: Final = 16
SETTINGS: Final = 'spool.min_free = "0"'
LISTENER: Final = 'max_message_size = "8GiB"'
WAYS = [("sqlite", False), ("sqlite", True), ("files", True), ("postgres", False)]
"""Bodies of files lie where those of SQLite do, so one way shows it."""
if "GIANT_MIB" in os.environ:
    WAYS += [("files", False), ("postgres", True)]


def memory_kib(daemon: Daemon, line: str) -> int:
    """What the kernel says of the resident memory of the daemon."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(dict(one.split(":", 1) for one in status.splitlines())[line].split()[0])


@pytest.fixture
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The settings of the queue. A database has to hold the message, so it is on a disk."""
    settings = f'{SETTINGS}\ndelivery.queue_backend = "{request.param}"'
    if request.param != "postgres":
        yield settings
        return
    with running(Path(tempfile.gettempdir())) as server:
        (tmp_path / "queue.url").write_text(server.fresh())
        yield f'{settings}\ndelivery.queue_url_file = "{tmp_path / "queue.url"}"'


@pytest.mark.timeout(60 + 2 * SIZE_MIB)
@pytest.mark.parametrize(
    ("queue", "chunking"),
    WAYS,
    indirect=["queue"],
    ids=[f"{backend}-{'BDAT' if chunking else 'DATA'}" for backend, chunking in WAYS],
)
def test_a_giant_message_goes_in_and_out_in_little_memory(
    request: pytest.FixtureRequest, tmp_path: Path, queue: str, chunking: bool
) -> None:
    blocks = blocks_of(SIZE_MIB << 20)
    with GiantSink(chunking) as sink:
        config = live(tmp_path, next_hop=sink.address, settings=queue, listener=LISTENER)
        with Daemon(tmp_path, config) as daemon, GiantClient(daemon.port) as client:
            client.send(blocks_of(4 << 20), chunking=chunking)  # all that is loaded at the first use is loaded
            sink.wait()
            Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")  # the peak begins anew (proc(5))
            before = memory_kib(daemon, "VmRSS")
            client.send(blocks, chunking=chunking)
            assert sink.wait() == digest_of(blocks)
            grown = (memory_kib(daemon, "VmHWM") - before) / 1024
    print(f"{request.node.name}: {SIZE_MIB} MiB: resident {before / 1024:.1f} MiB, grown by {grown:.1f}")
    assert grown < MOST_GROWTH_MIB
