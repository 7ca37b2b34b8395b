"""A disk that is full, or a quota that is used up, with the queue in files as well: mail is refused, and none is lost.

As in ``test_full_disk``, with what differs between the backends: which of their writes it is that fails.
"""

import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from tests.peers import mounts, needs
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink
from tests.process.test_full_disk import SETTINGS, SIZES, fill, full_at, is_taken, kept_port, messages
from tests.process.waiting import wait_until

PATIENCE_S: Final = 120
BACKENDS: Final = ("sqlite", "files")
_SOURCE: Final = Path(__file__).with_name("quota.c")


def send_again(daemon: Daemon, size_bytes: int) -> None:
    """Send the first one more, until it is taken: there is room."""
    first = next(messages(size_bytes))
    wait_until(lambda: is_taken(daemon, first), timeout_s=PATIENCE_S)


@needs("unshare", "mount")
@mounts("--map-root-user")
@pytest.mark.parametrize("size", SIZES)
def test_a_queue_of_files_refuses_mail_until_what_is_there_has_gone_out(tmp_path: Path, size: str) -> None:
    with kept_port() as port:
        daemon = full_at(tmp_path, next_hop=port, min_free="0")
        daemon.more["EMPATH_DELIVERY__QUEUE_BACKEND"] = "files"
        with daemon:
            accepted, refusal = fill(daemon, SIZES[size])
            assert accepted
            assert refusal.startswith("452 4.3.1 ")
            with Sink(port=port) as sink:
                sink.wait(len(accepted))
                assert {message.digest for message in sink.arrived} == accepted
                send_again(daemon, SIZES[size])
                sink.wait(len(accepted) + 1)
            assert daemon.stop() == 0


@pytest.fixture(scope="module")
def quota(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded."""
    made = tmp_path_factory.mktemp("quota") / "quota.so"
    subprocess.run(["cc", "-O", "-shared", "-fPIC", "-o", made, _SOURCE, "-ldl"], check=True)
    return made


@needs("cc")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_quota_that_is_used_up_refuses_mail_as_a_full_disk_does(
    tmp_path: Path, quota: Path, backend: str, size: str
) -> None:
    used_up, first = tmp_path / "used-up", next(messages(SIZES[size]))
    with Sink() as sink:
        config = live(tmp_path, next_hop=sink.address, settings=f'{SETTINGS}delivery.queue_backend = "{backend}"\n')
        daemon = Daemon(tmp_path, config, more={"LD_PRELOAD": str(quota), "QUOTA_USED_UP": str(used_up)})
        with daemon:
            assert is_taken(daemon, first)
            sink.wait(1)
            used_up.touch()
            accepted, refusal = fill(daemon, SIZES[size])
            assert refusal.startswith("452 4.3.1 ")
            used_up.unlink()
            send_again(daemon, SIZES[size])
            expected = {*accepted, sha256(first).digest()}
            sink.wait(len(accepted) + 2)
            assert {message.digest for message in sink.arrived} == expected
            assert daemon.stop() == 0
