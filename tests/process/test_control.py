"""A day with ``empathctl``: what an operator types, and what a running daemon answers, word for word."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from empath.cli.ctl import main
from tests.process.control import ctl, program, record, said, steady
from tests.process.daemon import Daemon, empath, environment, live
from tests.process.test_shutdown import send_one


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[Daemon]:
    """A relay whose next hop refuses connections, with one message that waits."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = 'delivery.retry_base_delay = "1h"'
    config = live(tmp_path, next_hop=f"127.0.0.1:{port}")
    config.write_text(config.read_text().replace('delivery.retry_base_delay = "1s"', settings))
    with Daemon(tmp_path, config) as daemon:
        send_one(daemon)
        daemon.wait_for_line("deferred")
        yield daemon
        assert daemon.stop() == 0


def test_the_first_message_is_followed_to_its_end(tmp_path: Path) -> None:
    with Daemon(tmp_path):
        followed = said(tmp_path, "send", "--from", "a@b.example", "--to", "ann@example.org", "--follow")
        assert followed.startswith("accepted MID\ndelivered ann@example.org by 127.0.0.1 in AGE (queue ")
        assert followed.endswith("): 250 2.0.0 captured as 1\n")
        (tmp_path / "mail.eml").write_text("Subject: Hello\n\nHello\n")
        sent = program(tmp_path, "send", "--to", "bob@example.org", "--eml", str(tmp_path / "mail.eml"), "--follow")
        assert sent.status == 0
        assert "captured as 2" in sent.stdout
        status = record(tmp_path, "status")
        assert (status["schema"], status["mode"], status["received"]) == ("empath.status/1", "sandbox", 2)
        assert "SANDBOX" in said(tmp_path, "status")
        assert said(tmp_path, "queue", "list") == ""
        assert steady(said(tmp_path, "ping")).endswith("answered in AGE\n")
        assert ctl(tmp_path, "health").status == 0
        assert ctl(tmp_path, "send", "--to", "nobody").status == os.EX_DATAERR
        assert "api.control_socket\t" in ctl(tmp_path, "config", "show", "--changed").stdout
        assert ctl(tmp_path, "dns", "cache", "list").status == 0


def test_why_is_it_stuck(stuck: Daemon) -> None:
    home = stuck.home
    listed = said(home, "queue", "list")
    assert listed == (
        "MID.0\tretry\tretry_backoff\tAGE\tAGE\t1\tann@example.com\tbob@example.org\tConnection refused\n"
    )
    (row,) = record(home, "queue", "list")["deliveries"]
    explained = said(home, "explain", row["mid"]).splitlines()
    assert explained[0].startswith("MID.0 to bob@example.org · retry · age AGE · attempt 1/21 · NEXT TIME (in AGE)")
    assert explained[1].startswith("waiting for  retry_backoff until TIME (in AGE) · Connection refused")
    assert "do           empathctl queue retry MID" in explained
    about = said(home, "explain", "carol@example.net")
    assert about.startswith(
        "carol@example.net goes to the lane 127.0.0.1:PORT\nroute        example.net · TLS disabled"
    )
    assert record(home, "explain", row["mid"])["schema"] == "empath.explain/1"
    assert said(home, "queue", "view", row["mid"]).startswith("MID from ann@example.com · ")
    missing = ctl(home, "queue", "view", "6911c5b5-2a")
    assert (missing.status, missing.stdout) == (os.EX_NOINPUT, "")
    assert missing.stderr.startswith("error[MSG001] there is no message 6911c5b5-2a\n   why  ")


def test_which_lanes_are_slow(stuck: Daemon) -> None:
    home = stuck.home
    (lane,) = record(home, "lanes", "list")["lanes"]
    row = said(home, "lanes", "list").rstrip("\n").split("\t")
    assert (row[0], row[-1].endswith("Connection refused")) == ("127.0.0.1:PORT", True)
    assert len(row) == 10
    assert said(home, "lanes", "view", lane["lane"]).startswith("lane 127.0.0.1:PORT · ")
    assert said(home, "queue", "shape") == "127.0.0.1:PORT\t1\t1\t0\t0\t0\t0\t0\n"
    assert ctl(home, "queue", "stats").stdout.splitlines()[:5] == [
        *("messages\t1", "pending\t0", "in_progress\t0", "retry\t1", "held\t0")
    ]


def test_the_shell_completes_the_names_that_the_daemon_knows(stuck: Daemon, tmp_path: Path) -> None:
    home = stuck.home
    (lane,) = record(home, "lanes", "list")["lanes"]
    (row,) = record(home, "queue", "list")["deliveries"]
    asked: dict[str, str] = {}
    for words, name in (("empathctl lanes view ", lane["lane"]), (f"empathctl explain {row['mid'][:4]}", row["mid"])):
        asked = {"_EMPATHCTL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = CliRunner().invoke(main, prog_name="empathctl", env=environment(home) | asked)
        assert done.stdout == f"plain,{name}\n", done
    nobody = {**asked, "EMPATH_API__CONTROL_SOCKET": str(tmp_path / "none")}
    assert CliRunner().invoke(main, prog_name="empathctl", env=environment(home) | nobody).stdout.strip() == ""


def test_mail_is_held_bounced_undone_and_suspended(stuck: Daemon) -> None:
    home = stuck.home
    assert ctl(home, "queue", "delete").status == os.EX_USAGE
    assert ctl(home, "queue", "delete", "--domain", "example.org").status == os.EX_USAGE  # nobody can confirm it
    survey = said(home, "queue", "bounce", "--domain", "example.org", "--dry-run")
    assert survey == (
        "would bounce 1 delivery of 1 sender · reports go to 1 sender, or to nobody with --no-dsn\n"
        "          1  example.org\n"
    )
    deleted = said(home, "queue", "delete", "--domain", "example.org", "--yes", "--reason", "wrong list")
    assert deleted == "job 1 · 1 deleted · 0 skipped · AGE · undo: empathctl jobs undo 1\n"
    assert said(home, "queue", "list") == ""
    assert "deleted" in said(home, "queue", "list", "--deleted")
    assert said(home, "jobs", "undo", "1").startswith("job 1 · 1 deleted · 0 skipped · AGE · undone")
    bounced = said(home, "queue", "bounce", "--older-than", "0s", "--yes")
    assert bounced == "job 2 · 1 put on hold, and bounced in AGE with their reports · undo: empathctl jobs undo 2\n"
    assert said(home, "queue", "list", "--status", "held") != ""
    ctl(home, "jobs", "undo", "2")
    suspended = said(home, "suspend", "--domain", "example.org", "--for", "2h", "--reason", "as they ask")
    assert suspended == "suspended (sd-1); end it with empathctl resume sd-1\n"
    assert said(home, "suspensions") == (
        "sd-1\tsuspension\tdomain example.org\t-\tunix:"
        + record(home, "suspensions")["rules"][0]["by"][5:]
        + "\tAGE\tas they ask\n"
    )
    assert said(home, "resume", "sd-1") == "sd-1 is ended; what waited for it is due\n"
    assert ctl(home, "resume", "sd-1").status == os.EX_NOINPUT
    limited = ctl(home, "limit", "set", "example.org", "rate=50/min", "--for", "2h")
    assert limited.stdout.startswith("ov-"), limited
    assert 'rate_limit = "50/min"' in limited.stderr
    assert said(home, "queue", "freeze", "--reason", "storm").startswith("frozen (fz-")
    assert "FROZEN" in said(home, "status")
    assert said(home, "queue", "thaw") == "attempts go on\n"


def test_decisions_survive_a_restart(stuck: Daemon) -> None:
    home = stuck.home
    assert ctl(home, "suspend", "--domain", "example.org", "--reason", "as they ask").status == 0
    assert stuck.stop() == 0
    stuck.start()
    deadline = time.monotonic() + 60
    while not (listed := said(home, "suspensions")) and time.monotonic() < deadline:
        time.sleep(0.1)  # it takes mail before it has read them
    assert "as they ask" in listed


def test_without_a_daemon_it_says_what_to_try(tmp_path: Path) -> None:
    done = ctl(tmp_path, "status")
    assert (done.status, done.stdout) == (os.EX_UNAVAILABLE, "")
    assert done.stderr.startswith(f"error[CTL001] cannot reach the daemon at {tmp_path}/control.sock: ")
    assert "   try  " in done.stderr


def test_over_the_network_a_token_is_needed_and_does_what_its_scopes_say(tmp_path: Path) -> None:
    tokens, token = tmp_path / "tokens", tmp_path / "token"
    made = empath("token", "new", "reader", "--scope", "read", "--file", str(tokens), home=tmp_path)
    token.write_text(made.stdout)
    with Daemon(tmp_path, more={"EMPATH_API__TOKENS_FILE": str(tokens)}) as daemon:
        where = ("--url", f"http://{daemon.http}", "--token-file", str(token))
        assert ctl(tmp_path, *where, "status").status == 0
        refused = ctl(tmp_path, *where, "queue", "freeze")
        assert refused.status == os.EX_NOPERM
        assert "error[API002] reader may not do this" in refused.stderr
        assert ctl(tmp_path, "--url", f"http://{daemon.http}", "status").status == os.EX_NOPERM


def test_it_ends_the_daemon_and_the_socket_is_gone(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        socket_file = tmp_path / "control.sock"
        assert socket_file.stat().st_mode & 0o777 == 0o660
        assert ctl(tmp_path, "stop", "--yes").status == 0
        assert daemon.wait() == 0
        assert not socket_file.exists()


def test_the_api_keeps_what_its_document_promises(tmp_path: Path) -> None:
    """Schemathesis makes requests from the document, sensible and not, and compares the answers with it."""
    tokens = tmp_path / "tokens"
    token = empath("token", "new", "tester", "--scope", "admin", "--file", str(tokens), home=tmp_path).stdout.strip()
    more = {"EMPATH_API__TOKENS_FILE": str(tokens), "EMPATH_API__RATE_LIMIT": "10000/s"}
    with Daemon(tmp_path, more=more) as daemon:
        checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"http://{daemon.http}/api/v1/openapi.json"),
                *(
                    "--header",
                    f"Authorization: Bearer {token}",
                    "--exclude-path",
                    "/stop",
                    "--exclude-path",
                    "/drain",
                    "--seed",
                    "1",
                ),
                *("--phases", "coverage,fuzzing", "--max-examples", "5", "--checks", f"{checks},ignored_auth"),
                *("--no-color", "--wait-for-schema", "10"),
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=110,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def dribble(address: str, pause_s: float) -> float:
    """Send a header octet by octet; how long it was listened to."""
    host, _, port = address.rpartition(":")
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=60) as client:
        for octet in b"GET /api/v1/status HTTP/1.1\r\nX-Slow: " + 400 * b"x":
            try:
                client.sendall(bytes([octet]))
                client.settimeout(pause_s)
                if not client.recv(100):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - began


def test_a_client_that_sends_slowly_is_cut_off(tmp_path: Path) -> None:
    with Daemon(tmp_path, more={"EMPATH_HTTP__READ_TIMEOUT": "1s"}) as daemon:
        assert dribble(daemon.http, 0.1) < 10
        assert daemon.stop() == 0


HOSTILE = {
    "no token": (b"", b"", 401),
    "a token that is none": (b"Authorization: Bearer empath_x\r\n", b"", 401),
    "another Host": (b"", b"evil.example", 421),
    "a header without end": (b"X: " + 200_000 * b"x" + b"\r\n", b"", 431),
    "content that is too large": (b"Content-Length: 99999999\r\n", b"", 401),
}


def test_hostile_requests_are_answered_and_change_nothing(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    made = empath("token", "new", "ann", "--scope", "operate,inject", "--file", str(tokens), home=tmp_path)
    known = f"Authorization: Bearer {made.stdout.strip()}\r\nContent-Type: application/json\r\n".encode()
    with Daemon(tmp_path, more={"EMPATH_API__TOKENS_FILE": str(tokens)}) as daemon:
        for fields, host, status in HOSTILE.values():
            assert answered(daemon.http, b"PUT /api/v1/queue/freeze", fields, host=host) == status
        large = known + b"Content-Length: 9999999\r\n"
        assert answered(daemon.http, b"PUT /api/v1/queue/freeze", large, content=2_000_000 * b" ") == 413
        foreign = known + b"Origin: http://evil.example\r\nContent-Length: 2\r\n"
        assert answered(daemon.http, b"PUT /api/v1/queue/freeze", foreign, content=b"{}") == 403
        assert answered(daemon.http, b"GET /api/v1/messages", known) == 403
        assert record(tmp_path, "status")["frozen"] is False
        own = known + f"Origin: http://{daemon.http}\r\nContent-Length: 2\r\n".encode()
        assert answered(daemon.http, b"PUT /api/v1/queue/freeze", own, content=b"{}") == 200
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


def answered(address: str, target: bytes, fields: bytes, *, host: bytes = b"", content: bytes = b"") -> int:
    """The status of the answer to a request."""
    name, _, port = address.rpartition(":")
    head = target + b" HTTP/1.1\r\nHost: " + (host or address.encode()) + b"\r\n" + fields
    with socket.create_connection((name, int(port)), timeout=60) as client:
        with suppress(OSError):  # it may close before all has been sent
            client.sendall(head + b"Connection: close\r\n\r\n" + content)
        return int(client.recv(1000).split(b" ", 2)[1])
