"""A daemon whose configuration changes while it runs: by SIGHUP, by a file that somebody saves, and under load."""

import shlex
import signal
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.process.certificates import Issuer
from tests.process.daemon import Daemon, empath, live
from tests.process.load import Load
from tests.process.sink import Sink
from tests.process.waiting import wait_until

UNIT: Final = Path(__file__).parents[2] / "conf" / "systemd" / "empath.service"
PATIENCE_S: Final = 60.0
MESSAGE: Final = "From: ann@example.org\r\nSubject: lunch\r\n\r\nAt noon?\r\n"


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What a service manager listens with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield ear


def heard(manager: socket.socket) -> dict[str, str]:
    """The next notice of the daemon."""
    return dict(line.split("=", 1) for line in manager.recv(4000).decode().splitlines())


def reload_command(daemon: Daemon) -> list[str]:
    """What `systemctl reload` has the manager run."""
    (line,) = [line for line in UNIT.read_text().splitlines() if line.startswith("ExecReload=")]
    return shlex.split(line.removeprefix("ExecReload=").replace("$MAINPID", str(daemon.process.pid)))


def settled(daemon: Daemon, reloads: int) -> bool:
    """Whether so many signals have been obeyed."""
    return sum("operators reloaded by=signal" in line for line in daemon.lines) >= reloads


def has_promised(load: Load, more_than: int) -> bool:
    """Whether so many recipients have been promised their mail."""
    return len(load.promised) > more_than


def test_systemctl_reload_is_told_when_it_begins_when_it_is_over_and_what_was_wrong(
    manager: socket.socket, tmp_path: Path
) -> None:
    # No file of a configuration, so that nobody watches one: reloads are those that are asked for here.
    rules = tmp_path / "rules.toml"
    rules.write_text("")
    with Daemon(tmp_path, more={"EMPATH_DELIVERY__RULES_FILE": str(rules)}) as daemon:
        doing = heard(manager)["STATUS"]
        asked = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        subprocess.run(reload_command(daemon), check=True)
        began, over = heard(manager), heard(manager)
        assert began["RELOADING"] == "1"
        # systemd.service(5), Type=notify-reload: later than the signal, on the clock that all processes share.
        assert int(began["MONOTONIC_USEC"]) > asked
        assert over == {"READY": "1", "STATUS": doing}
        rules.write_text("nonsense = 1")
        subprocess.run(reload_command(daemon), check=True)
        assert "RELOADING" in heard(manager)
        failed = heard(manager)
        assert failed["READY"] == "1"
        assert failed["STATUS"].startswith(f"{doing}; the configuration was NOT read again: ")
        assert "nonsense" in failed["STATUS"]
        rules.write_text("")
        daemon.signal(signal.SIGHUP)
        assert [list(heard(manager)), heard(manager)["STATUS"]] == [["RELOADING", "MONOTONIC_USEC", "STATUS"], doing]
        assert daemon.stop() == 0
        assert "STOPPING" in heard(manager)


def test_files_that_were_saved_are_read_once_whoever_asks_first(sink: Sink, tmp_path: Path) -> None:
    config = live(tmp_path, next_hop=sink.address)
    with Daemon(tmp_path, config, more={"EMPATH_DELIVERY__MAX_AGE": "3d"}) as daemon:
        config.write_text(config.read_text().replace("max_attempts = 21", "max_attempts = 22"))
        daemon.wait_for_line("operators reloaded by=files applied=1", PATIENCE_S)
        config.write_text(config.read_text().replace("max_attempts = 22", "max_attempts = 23"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("operators reloaded by=signal", PATIENCE_S)
        # What is found next is a file beside it, of which one key counts: variables outrank files at a reload too.
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "more.toml").write_text('delivery.max_age = "4d"\nshutdown.grace = "1s"\n')
        wait_until(lambda: sum("by=files applied=1" in line for line in daemon.lines) >= 2, PATIENCE_S)
        assert not any("by=files applied=0" in line for line in daemon.lines)
        assert daemon.stop() == 0


def test_certificates_users_and_hooks_hold_for_the_next_session(sink: Sink, tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    files = {name: issuer.issue(name, f"{name}.example.org") for name in ("old", "new")}
    for user in ("ann", "bob"):
        done = empath("user", "add", user, "--file", f"{tmp_path}/{user}", home=tmp_path, stdin="sesame\nsesame\n")
        assert done.status == 0, done.stderr

    def write(certificate: str, user: str, more: str = "") -> Path:
        listener = f'tls = "implicit"\nstarttls = {files[certificate]}\n'
        listener += f'auth = "required"\nusers_file = "{tmp_path}/{user}"'
        return live(tmp_path, next_hop=sink.address, listener=f"{listener}\n{more}")

    def session(host: str) -> smtplib.SMTP_SSL:
        context = ssl.create_default_context(cafile=str(issuer.ca_file))
        context.check_hostname = False
        client = smtplib.SMTP_SSL("127.0.0.1", daemon.port, context=context, timeout=PATIENCE_S)
        shown = client.sock.getpeercert()  # type: ignore[union-attr]  # it is connected
        assert shown is not None
        assert ("DNS", host) in shown["subjectAltName"]
        return client

    hook = '[[smtp.hooks]]\nname = "rspamd"\nfail_mode = "closed"\nsettings.url = "http://127.0.0.1:9"'
    with Daemon(tmp_path, write("old", "ann")) as daemon, session("old.example.org") as open_before:
        open_before.login("ann", "sesame")
        write("new", "bob", hook)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: settled(daemon, 1), PATIENCE_S)
        with session("new.example.org") as client:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("ann", "sesame")
            client.login("bob", "sesame")
            with pytest.raises(smtplib.SMTPDataError) as refused:
                client.sendmail("ann@example.org", ["carl@example.net"], MESSAGE)
            assert refused.value.smtp_code == 451
        assert open_before.sendmail("ann@example.org", ["carl@example.net"], MESSAGE) == {}
        sink.wait(1)
        write("new", "bob", 'certificates = [{ cert_file = "/dev/null", key_file = "/dev/null" }]')
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("operators reload_failed by=signal", PATIENCE_S)
        with session("new.example.org") as client:
            client.login("bob", "sesame")


def test_reloads_under_load_lose_nothing_and_double_nothing(sink: Sink, tmp_path: Path) -> None:
    config = live(tmp_path, next_hop=sink.address)
    plain = config.read_text()
    with Daemon(tmp_path, config) as daemon:
        with Load(1, lambda: daemon.port) as load:
            for turn in range(6):
                wait_until(partial(has_promised, load, 10 * turn), PATIENCE_S)
                more = f"delivery.max_connections_per_host = {5 + turn}\nsmtp.limits.max_recipients = {100 + turn}\n"
                config.write_text(f"{more}{plain}")
                daemon.signal(signal.SIGHUP)
                wait_until(partial(settled, daemon, turn + 1), PATIENCE_S)
        sink.wait_for_recipients(load.promised)
        assert daemon.stop() == 0
    arrived = [recipient for message in sink.arrived for recipient in message.recipients]
    assert len(arrived) == len(set(arrived))
    assert load.promised - set(arrived) == set()
