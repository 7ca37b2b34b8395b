"""Starting ``empath serve``: what stands in the way is named, with what to do about it."""

import os
import re
import socket
from pathlib import Path

import pytest
import trustme

from tests.process.daemon import Daemon, empath, live
from tests.process.sink import Sink


def test_a_second_daemon_on_the_same_spool_is_refused_and_told_who_holds_it(sink: Sink, daemon: Daemon) -> None:
    second = empath("serve", "--config", str(daemon.config), home=daemon.home)
    assert second.status == os.EX_UNAVAILABLE
    holder = f"empath (pid {daemon.process.pid})"
    assert f"error[SRV001] the spool at {daemon.home}/spool is in use by {holder}\n" in second.stderr
    assert "set spool.path" in second.stderr
    assert "Traceback" not in second.stderr
    assert daemon.stop() == 0


def test_the_spool_of_a_killed_daemon_is_free_at_once(daemon: Daemon) -> None:
    daemon.kill()
    daemon.start()
    assert daemon.stop() == 0


def test_a_taken_port_names_its_holder_and_the_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = live(tmp_path, next_hop="127.0.0.1:25")
        config.write_text(config.read_text().replace("127.0.0.1:0", address))
        done = empath("serve", "--config", str(config), home=tmp_path)
    assert done.status == os.EX_UNAVAILABLE
    assert f"error[SRV002] cannot listen on {address}: it is taken by " in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert "smtp.listeners[0].listen_addr" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_service_manager_is_told_when_everything_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Daemon(tmp_path, live(tmp_path, next_hop="127.0.0.1:25")) as daemon:
            assert manager.recv(1000).startswith(f"READY=1\nSTATUS=accepting mail on {daemon.address}".encode())
            assert daemon.stop() == 0
        assert manager.recv(1000) == b"STOPPING=1\nSTATUS=finishing what has begun\nEXTEND_TIMEOUT_USEC=45000000"


def test_an_open_relay_does_not_start(tmp_path: Path) -> None:
    everybody = 'relay.from_networks = ["0.0.0.0/1", "128.0.0.0/1"]'
    done = empath("serve", "--config", str(live(tmp_path, next_hop="127.0.0.1:25", settings=everybody)), home=tmp_path)
    assert done.status == os.EX_CONFIG
    assert "relay.from_networks: these networks are too many: together they hold 100% of IPv4" in done.stderr
    assert "anybody could send anything through this host" in done.stderr


def test_a_users_file_that_is_none_is_named(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("mx.example.org")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    (tmp_path / "users").write_text("ann:hunter2\n")
    files = f'starttls = {{ cert_file = "{tmp_path}/both.pem", key_file = "{tmp_path}/both.pem" }}'
    login = f'auth = "required"\nusers_file = "{tmp_path}/users"'
    config = live(tmp_path, next_hop="127.0.0.1:25", listener=f'tls = "implicit"\n{files}\n{login}')
    done = empath("serve", "--config", str(config), home=tmp_path)
    assert done.status == os.EX_CONFIG
    assert f"error[USR001] {tmp_path}/users, line 1: the credential cannot be used" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    starttls = f'tls = "starttls"\nstarttls = {{ cert_file = "{broken}", key_file = "{broken}" }}'
    config = live(tmp_path, next_hop="127.0.0.1:25", listener=starttls)
    done = empath("serve", "--config", str(config), home=tmp_path)
    assert done.status == os.EX_CONFIG
    assert f"error[SRV003] cannot use {broken}" in done.stderr
    assert "smtp.listeners[].starttls" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_spool_that_cannot_be_made_names_the_directory_and_the_key(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file stands where the directory should be")
    done = empath("serve", "--config", str(live(tmp_path, next_hop="127.0.0.1:25")), home=tmp_path)
    assert done.status == os.EX_IOERR
    assert f"error[SRV001] cannot make the directory {tmp_path}/spool" in done.stderr
    assert "spool.path" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_queue_that_is_damaged_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    database = tmp_path / "spool" / "queue" / "queue.sqlite3"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database" * 1000)
    done = empath("serve", "--config", str(live(tmp_path, next_hop="127.0.0.1:25")), home=tmp_path)
    assert done.status == os.EX_IOERR
    assert "error[SRV001] " in done.stderr
    assert "set spool.path to a new directory" in done.stderr
    assert "Traceback" not in done.stderr
    assert database.read_bytes() == b"no database" * 1000


def test_warnings_about_the_configuration_are_shown_and_do_not_keep_it_from_starting(tmp_path: Path) -> None:
    config = live(tmp_path, next_hop="127.0.0.1:25")
    config.write_text(config.read_text().replace("delivery.max_attempts = 21\n", ""))
    with Daemon(tmp_path, config) as daemon:
        assert "warn [CFG031]" in daemon.log
        assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", "live, mail goes to 127.0.0.1:25 (delivery.smart_host)"),
        ("delivery.frozen = true", "FROZEN, mail is accepted and kept, and none goes out (delivery.frozen)"),
    ],
)
def test_the_announcement_says_where_mail_goes_and_what_was_read(settings: str, said: str, tmp_path: Path) -> None:
    with Daemon(tmp_path, live(tmp_path, next_hop="127.0.0.1:25", settings=settings)) as daemon:
        assert daemon.stop() == 0
    lines = [line for line in daemon.lines if "running as root" not in line]
    config, _, digest = lines.pop().partition("   hash ")
    assert [*lines, config] == [
        f"empath mx.example.org: {said}",
        f"  smtp {daemon.address}   spool {tmp_path}/spool, messages in it: 0",
        f"  http://{daemon.http} metrics, health, api",
        f"  configuration {daemon.config}",
    ]
    assert re.fullmatch("[0-9a-f]{16}", digest)
