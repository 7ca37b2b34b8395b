"""Started by others: sockets and signs of life for a service manager, and root that is given up for a user."""

import os
import pwd
import shutil
import smtplib
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.peers import find, needs
from tests.process.daemon import START_S, Daemon, empath, environment, live
from tests.process.ports import free_port, is_open, wait_until_listening
from tests.process.sink import Sink

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
MESSAGE = b"From: ann@example.com\r\nSubject: lunch\r\n\r\nAt noon?\r\n"


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        assert client.sendmail("ann@example.com", ["bob@example.org"], MESSAGE) == {}


def listening_on(config: Path, *addresses: str) -> Path:
    """The same configuration with other listeners."""
    listeners = "".join(f'[[smtp.listeners]]\nlisten_addr = "{address}"\n' for address in addresses)
    config.write_text(config.read_text().partition("[[smtp.listeners]]")[0] + listeners)
    return config


def activated(home: Path, *addresses: str) -> tuple[str, ...]:
    """The command that listens on these addresses, and starts what follows with the sockets once a client comes."""
    listening = [option for address in addresses for option in ("--listen", address)]
    variables = [option for name in environment(home) for option in ("--setenv", name)]
    return (str(find("systemd-socket-activate")), *listening, "--fdname", ":".join(["mx"] * len(addresses)), *variables)


@contextmanager
def first_client(port: int) -> Iterator[list[bytes]]:
    """A client that comes as soon as somebody listens, and what it hears; it goes at the end."""
    heard: list[bytes] = []

    def come() -> None:
        wait_until_listening(port)
        with suppress(ConnectionResetError), socket.create_connection(("127.0.0.1", port), timeout=START_S) as client:
            heard.append(client.recv(100))

    thread = Thread(target=come)
    thread.start()
    try:
        yield heard
    finally:
        thread.join()


@needs("systemd-socket-activate")
def test_the_client_that_came_before_the_daemon_is_served(sink: Sink, tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    addresses = (f"127.0.0.1:{port}", f"127.0.0.1:{other}")
    config = listening_on(live(tmp_path, next_hop=sink.address), *addresses)
    with first_client(port) as heard, Daemon(tmp_path, config, wrapper=activated(tmp_path, *addresses)) as daemon:
        assert daemon.port == port
        send(other)
        sink.wait(1)
        assert daemon.stop() == 0
    # A port that is only looked at counts as a client, too, so who really came first is not known.
    assert heard == [b"220 mx.example.org ESMTP\r\n"]


@needs("systemd-socket-activate")
def test_a_socket_that_no_listener_wants_is_an_error_that_names_it(tmp_path: Path) -> None:
    port = free_port()
    daemon = Daemon(tmp_path, live(tmp_path, next_hop="127.0.0.1:25"), wrapper=activated(tmp_path, f"127.0.0.1:{port}"))
    with first_client(port), pytest.raises(AssertionError, match="it does not listen"):
        daemon.start()
    assert f"error[SRV006] the service manager passed a socket that listens on 127.0.0.1:{port}, and" in daemon.log
    assert daemon.process.returncode == os.EX_CONFIG


def test_signs_of_life_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(START_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        with Daemon(tmp_path, live(tmp_path, next_hop="127.0.0.1:25")) as daemon:
            notices = [manager.recv(1000) for _ in range(6)]
            assert daemon.stop() == 0
    assert notices.count(b"WATCHDOG=1") == 5
    assert sum(notice.startswith(b"READY=1\n") for notice in notices) == 1


@pytest.fixture
def home_of_nobody() -> Iterator[Path]:
    """A place for everything that the user ``nobody`` can get to."""
    home = Path(tempfile.mkdtemp(prefix="empath-"))
    home.chmod(0o755)
    (home / "spool").mkdir(mode=0o700)
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(home, nobody, -1)
    os.chown(home / "spool", nobody, -1)
    yield home
    shutil.rmtree(home)


def low_port() -> int:
    """A port that only root can bind, and that nobody listens on."""
    return next(port for port in range(1023, 600, -1) if not is_open(port))


@AS_ROOT
def test_root_binds_a_low_port_and_is_nobody_afterwards(sink: Sink, home_of_nobody: Path) -> None:
    port = low_port()
    config = live(home_of_nobody, next_hop=sink.address, settings='user = "nobody"')
    with Daemon(home_of_nobody, listening_on(config, f"127.0.0.1:{port}")) as daemon:
        send(port)
        sink.wait(1)
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        nobody = pwd.getpwnam("nobody")
        assert set(lines["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(lines["Gid"].split()) == {str(nobody.pw_gid)}
        assert set(lines["Groups"].split()) <= {str(group) for group in os.getgrouplist("nobody", nobody.pw_gid)}
        assert int(lines["CapEff"], 16) == int(lines["CapPrm"], 16) == 0
        owners = {path.stat().st_uid for path in (home_of_nobody / "spool").rglob("*")}
        assert owners == {nobody.pw_uid}
        assert daemon.stop() == 0
    assert "running as root" not in daemon.log


@AS_ROOT
def test_a_spool_that_belongs_to_another_user_keeps_the_daemon_from_starting(home_of_nobody: Path) -> None:
    done = empath("serve", "--config", str(live(home_of_nobody, next_hop="127.0.0.1:25")), home=home_of_nobody)
    assert done.status == os.EX_NOPERM
    spool = home_of_nobody / "spool"
    assert f"error[SRV008] {spool} belongs to nobody, and the daemon runs as root\n" in done.stderr
    assert "chown" in done.stderr


def test_a_user_that_does_not_exist_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    config = live(tmp_path, next_hop="127.0.0.1:25", settings='user = "no-such-user"')
    done = empath("serve", "--config", str(config), home=tmp_path)
    assert done.status == os.EX_NOPERM
    assert "error[SRV007] there is no user no-such-user\n" in done.stderr
    assert "Traceback" not in done.stderr
