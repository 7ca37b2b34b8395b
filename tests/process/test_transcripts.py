"""The jobs of an operator, as transcripts of a running daemon: see ``transcripts/`` and `tests.process.transcript`."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.control import ctl, record
from tests.process.daemon import Daemon, environment, live
from tests.process.test_shutdown import send_one
from tests.process.transcript import Terminal, at_a_terminal, play, settled

__all__ = ["at_a_terminal"]
pytestmark = pytest.mark.usefixtures("at_a_terminal")
LIMITS = """
[delivery.domains."example.org"]
rate_limit = "200/min"
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Daemon]:
    """What somebody gets who has no configuration."""
    with Daemon(tmp_path, more={"EMPATH_HOSTNAME": "laptop.example"}) as daemon:
        yield daemon
        assert daemon.stop() == 0


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[Daemon]:
    """A relay whose next hop refuses connections, with one message that waits."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = live(tmp_path, next_hop=f"127.0.0.1:{port}")
    settings = config.read_text().replace('delivery.retry_base_delay = "1s"', 'delivery.retry_base_delay = "1h"')
    config.write_text(settings + LIMITS)
    with Daemon(tmp_path, config) as daemon:
        send_one(daemon)
        daemon.wait_for_line("deferred")
        yield daemon
        assert daemon.stop() == 0, daemon.log


def next_port(home: Path) -> str:
    """Where the relay sends everything."""
    found = re.search(r'smart_host = "127.0.0.1:(\d+)"', (home / "empath.toml").read_text())
    assert found is not None
    return found[1]


def wait_for_attempt(daemon: Daemon, count: int) -> None:
    """Wait until so many attempts are in the log, and in the spool."""
    deadline = time.monotonic() + 60
    while sum("deferred" in line for line in daemon.lines) < count:
        assert time.monotonic() < deadline, daemon.log
        time.sleep(0.05)


def wait_for_nothing(home: Path) -> None:
    """Wait until no message is left."""
    deadline = time.monotonic() + 60
    while record(home, "queue", "stats")["messages"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_job_1_install_and_first_mail(sandbox: Daemon, tmp_path: Path) -> None:
    announced = [line for line in sandbox.lines if line.startswith(("empath ", "  "))]
    assert settled("\n".join(announced[:5]), tmp_path) == (
        "empath laptop.example: SANDBOX, mail is captured here, nothing leaves this machine\n"
        "  smtp 127.0.0.1:PORT  spool HOME/spool/sandbox, messages in it: 0\n"
        "  http://127.0.0.1:PORT metrics, health, api\n"
        "  configuration none: all keys have their defaults  hash HASH\n"
        "  dashboard http://127.0.0.1:PORT/#login=CODE  (valid once)"
    )
    terminal = Terminal(tmp_path)
    play("1-first-mail", terminal, steps={"all is delivered": lambda: wait_for_nothing(tmp_path)})
    play("3-test-mail", terminal)


def test_job_2_test_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "empath.toml").write_text(
        'mode = "live"\nhostname = "mx.example.org"\n\n[delivery.domains."gmail.com"]\nratelimit = "200/min"\n'
    )
    play("2-test-config", Terminal(tmp_path))


def test_jobs_4_5_6_and_9_a_message_is_stuck(stuck: Daemon, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, port=next_port(tmp_path))
    play("4-why-stuck", terminal)
    play("5-slow-domains", terminal)
    attempts = sum("deferred" in line for line in stuck.lines)
    play("6-act", terminal, steps={"it was attempted again": lambda: wait_for_attempt(stuck, attempts + 1)})
    wait_for_attempt(stuck, attempts + 2)
    retried = terminal.type("empathctl queue retry --domain example.org --yes --trace").splitlines()
    # What is said comes while the job is told of, before or after it.
    assert sorted(retried[1:]) == [
        "  AGE - given up: 127.0.0.1 (connect): 4.4.1 Connection refused",
        "job 3 · 1 made due · 0 skipped · AGE",
    ]
    wait_for_attempt(stuck, attempts + 3)
    play("9-change-a-limit", terminal)
    play("7-drain", terminal)


def test_job_10_watch_live(sandbox: Daemon, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from empath.cli.ctl import main; main()", "trace", "--out", "--one", "--terse"]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tracing:
        assert tracing.stderr is not None
        assert tracing.stderr.readline() == "what is said from now on; Ctrl-C ends it\n"
        sent = ctl(tmp_path, "send", "--from", "bob@example.com", "--to", "ann@example.org", "--follow")
        assert sent.status == os.EX_OK
        said, _ = tracing.communicate(timeout=60)
    assert re.sub(r"(?m)^\d+ ", "N ", settled(said, tmp_path)) == (
        "N < 220 capture.localhost ESMTP, all mail ends here\n"
        "N > EHLO laptop.example\n"
        "N < 250 SIZE 104857600\n"
        "N > MAIL FROM:<bob@example.com> SIZE=SIZE\n"
        "N > RCPT TO:<ann@example.org>\n"
        "N > BDAT SIZE LAST\n"
        "N < 250 2.1.0 sender taken\n"
        "N < 250 2.1.5 recipient taken\n"
        "N < 250 2.0.0 captured as 1\n"
    )
    play("10-watch", Terminal(tmp_path))
