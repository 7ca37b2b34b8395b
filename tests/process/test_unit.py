"""The unit files in ``conf/systemd``, judged by systemd's own tools, and the configuration that goes with them."""

import os
import re
import smtplib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from empath.config.schema import Config
from tests.peers import find, needs
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink
from tests.process.waiting import wait_until

CONF: Final = Path(__file__).parents[2] / "conf"
UNITS: Final = CONF / "systemd"
EXPOSURE: Final = 1.4
"""What docs/deployment.rst says; from 0 to 10, and below 2.0 is what systemd calls OK."""
MESSAGE: Final = b"From: ann@example.com\r\nSubject: lunch\r\n\r\nAt noon?\r\n"


def run(*command: str, directory: Path) -> str:
    """Run one of systemd's tools, and return what it says; it must be content."""
    program = str(find(command[0]))
    done = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True, cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for name in ("empath.service", "empath.socket"):
        # Here nothing is installed at the place that the unit names.
        text = (UNITS / name).read_text().replace("/usr/local/bin/empath", "/bin/true")
        (tmp_path / name).write_text(text)
    assert run("systemd-analyze", "verify", "./empath.service", "./empath.socket", directory=tmp_path) == ""


@needs("systemd-analyze")
def test_the_service_is_as_little_exposed_as_the_documentation_says() -> None:
    command = ("security", "--offline=true", "--no-pager", f"--threshold={round(EXPOSURE * 10)}", "./empath.service")
    said = run("systemd-analyze", *command, directory=UNITS)
    assert f"Overall exposure level for empath.service: {EXPOSURE} OK" in said
    assert f"``{EXPOSURE}`` of 10" in (CONF.parent / "docs" / "deployment.rst").read_text()


@needs("systemd-analyze", "strace")
def test_the_filter_of_the_service_lets_every_system_call_through_that_the_daemon_makes(
    sink: Sink, tmp_path: Path
) -> None:
    trace = tmp_path / "calls"
    options = ("-D", "-f", "--summary-only", "--summary-columns=name", "-o", str(trace))
    with Daemon(tmp_path, live(tmp_path, next_hop=sink.address), wrapper=(str(find("strace")), *options)) as daemon:
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
            assert client.sendmail("ann@example.com", ["bob@example.org"], MESSAGE) == {}
        sink.wait(1)
        assert daemon.stop() == 0
    wait_until(trace.exists)  # the one that watches ends after the one that is watched
    wait_until(lambda: "total" in trace.read_text())
    made = set(re.findall(r"^(\w+)$", trace.read_text(), re.MULTILINE)) - {"syscall", "total"}
    if os.geteuid() == 0:
        made -= {"fchown"}  # SQLite gives its files to the owner of the database, if it runs as root
    assert {"accept4", "fdatasync"} <= made
    assert made - (calls("@system-service", tmp_path) - calls("@privileged", tmp_path)) == set()


# prctl(2), PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN: what MemoryDenyWriteExecute= does with a filter.
WITHOUT_EXEC_GAIN: Final = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0:
    os.execv(sys.argv[1], sys.argv[1:])
"""


def test_the_daemon_needs_no_memory_that_can_be_written_and_executed(sink: Sink, tmp_path: Path) -> None:
    wrapper = (sys.executable, "-c", WITHOUT_EXEC_GAIN)
    if subprocess.run([*wrapper, sys.executable, "-c", "print()"], check=True, capture_output=True).stdout == b"":
        pytest.skip("this kernel cannot forbid it (Linux 6.3 can)")
    with Daemon(tmp_path, live(tmp_path, next_hop=sink.address), wrapper=wrapper) as daemon:
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
            assert client.sendmail("ann@example.com", ["bob@example.org"], MESSAGE) == {}
        sink.wait(1)
        assert daemon.stop() == 0


def calls(group: str, directory: Path) -> set[str]:
    """The system calls of a group, and of the groups that it is made of."""
    names = [line.strip() for line in run("systemd-analyze", "syscall-filter", group, directory=directory).splitlines()]
    found = set()
    for name in names[1:]:
        found |= calls(name, directory) if name.startswith("@") else {name}
    return found


def test_each_socket_has_a_listener_in_the_shipped_configuration() -> None:
    streams = [line for line in lines("empath.socket") if line.startswith("ListenStream=")]
    opened = {line.removeprefix("ListenStream=") for line in streams}
    configured = tomllib.loads((CONF / "relay.toml").read_text())["smtp"]["listeners"]
    assert {listener["listen_addr"] for listener in configured} == opened


@needs("systemd-sysusers")
def test_the_user_is_the_one_that_the_service_runs_as(tmp_path: Path) -> None:
    command = ("--dry-run", f"--root={tmp_path}", str(UNITS / "empath.sysusers"))
    assert "Creating user 'empath'" in run("systemd-sysusers", *command, directory=tmp_path)
    assert {"User=empath", "Group=empath"} <= lines("empath.service")


def test_the_spool_is_where_the_service_may_write() -> None:
    assert {"d /var/spool/empath 0700 empath empath -"} <= lines("empath.tmpfiles")
    assert {"ReadWritePaths=/var/spool/empath"} <= lines("empath.service")
    assert Config().spool.path == Path("/var/spool/empath")


def lines(name: str) -> set[str]:
    """The lines of a file."""
    return set((UNITS / name).read_text().splitlines())
