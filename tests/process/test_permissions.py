"""A spool that the user of the daemon may not write: it does not start, and says what, why, and what to try.

Root may write everything, so a daemon of root is run without that privilege.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.peers import needs
from tests.process.daemon import Finished, empath, live

BACKENDS: Final = ("sqlite", "files")
PLACES: Final = {
    "the spool": ("spool", 0o500),
    "its lock": ("spool/lock", 0o000),
    "large bodies": ("spool/bodies", 0o500),
    "the queue": ("spool/queue", 0o500),
}
OF_BACKEND: Final = {"sqlite": ("spool/queue/queue.sqlite3", 0o400), "files": ("spool/queue/retry", 0o500)}
_UNPRIVILEGED: Final = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def serve(home: Path, backend: str) -> Finished:
    config = live(home, next_hop="127.0.0.1:1", settings=f'delivery.queue_backend = "{backend}"\n')
    wrapper = _UNPRIVILEGED if os.geteuid() == 0 else ()
    return empath("serve", "--config", str(config), home=home, wrapper=wrapper)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    for directory in ("spool/bodies", "spool/queue/retry"):
        (tmp_path / directory).mkdir(parents=True)
    for file in ("spool/lock", "spool/queue/queue.sqlite3"):
        (tmp_path / file).touch()
    yield tmp_path
    for path in (tmp_path / "spool", *tmp_path.glob("spool/*"), *tmp_path.glob("spool/queue/*")):
        path.chmod(0o700)


def refused(home: Path, backend: str, place: str, mode: int) -> None:
    if backend == "files":
        (home / "spool/queue/queue.sqlite3").unlink()
    (home / place).chmod(mode)
    done = serve(home, backend)
    said = " ".join(done.stderr.split())
    assert done.status == os.EX_IOERR, said
    assert "error[SRV001]" in said
    assert str(home / "spool") in said
    assert "make sure that the user of the daemon can write there" in said
    assert "Traceback" not in said


@needs("setpriv")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_may_not_be_written_is_said_at_the_start(home: Path, backend: str, place: str) -> None:
    if place == "the spool":
        (home / "spool/lock").unlink()
    refused(home, backend, *PLACES[place])


@needs("setpriv")
@pytest.mark.parametrize("backend", BACKENDS)
def test_so_it_is_with_a_part_of_the_queue(home: Path, backend: str) -> None:
    refused(home, backend, *OF_BACKEND[backend])
