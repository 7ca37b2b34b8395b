"""What an operator sees of a running daemon: HTTP, the audit log, the log. Each key that switches some of it does."""

import json
import os
import signal
import smtplib
import socket
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.process.daemon import Daemon, empath, live
from tests.process.ports import wait_until_refused
from tests.process.sink import Sink
from tests.process.test_shutdown import send_one


def get(daemon: Daemon, path: str) -> tuple[int, bytes]:
    """Ask the daemon over HTTP."""
    try:
        with urllib.request.urlopen(f"http://{daemon.http}{path}", timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def metric(daemon: Daemon, name: str, label: str) -> float:
    """Return the value of a series with one label."""
    families = text_string_to_metric_families(get(daemon, "/metrics")[1].decode())
    return next(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and label in sample.labels.values()
    )


def audited(home: Path) -> list[dict[str, Any]]:
    """Return all audit records, in order."""
    return [json.loads(line) for path in sorted(home.glob("audit*.jsonl")) for line in path.read_text().splitlines()]


def test_metrics_health_and_audit_tell_of_a_message_that_went_through(sink: Sink, daemon: Daemon) -> None:
    assert get(daemon, "/health") == (200, b'{"status":"ok"}')
    assert get(daemon, "/health/ready") == (200, b'{"status":"ok"}')
    send_one(daemon)
    sink.wait(1)
    deadline = time.monotonic() + 60
    while metric(daemon, "empath_messages_finished_total", "completed") < 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert metric(daemon, "empath_messages_finished_total", "completed") == 1
    assert metric(daemon, "empath_delivery_attempts_total", "success") == 1
    details = json.loads(get(daemon, "/health/detailed")[1])
    assert (details["status"], [check["name"] for check in details["checks"]]) == (
        "ok",
        [
            *["spool", "disk", "queue", "quarantine", "deletion", "accepting", "delivery", "dns", "audit"],
            *["breakers", "loop", "clock", "version"],
        ],
    )
    assert get(daemon, "/")[1].startswith(b"<!doctype html>")
    assert daemon.stop() == 0
    records = audited(daemon.home)
    assert [record["event"] for record in records] == ["start", "received", "attempt", "stop"]
    assert records[1]["mid"] == records[2]["mid"]
    assert (records[2]["outcome"], records[2]["recipients"]) == ("delivered", ["bob@example.org"])


def test_a_daemon_that_is_stopping_says_that_it_is_not_ready_as_long_as_it_has_work(daemon: Daemon) -> None:
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
        client.ehlo("client.example")
        client.mail("ann@example.com")
        daemon.signal(signal.SIGTERM)
        wait_until_refused(daemon.port)
        assert get(daemon, "/health/ready") == (503, b'{"status":"unready","failing":["accepting"]}')
        assert get(daemon, "/health/live")[0] == 200
        client.close()
    assert daemon.wait() == 0


def test_what_is_switched_off_is_not_there(tmp_path: Path) -> None:
    off = "\n".join(f"{section}.enabled = false" for section in ("metrics", "health", "api", "audit"))
    with Daemon(tmp_path, live(tmp_path, next_hop="127.0.0.1:25", settings=off)) as daemon:
        assert daemon.stop() == 0
    assert "http://" not in daemon.log
    assert audited(tmp_path) == []


@pytest.mark.parametrize("section", ["metrics", "health", "api"])
def test_a_taken_port_names_its_holder_and_the_key(section: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = ("serve", "--config", str(live(tmp_path, next_hop="127.0.0.1:25")))
        done = empath(*command, home=tmp_path, more={f"EMPATH_{section.upper()}__LISTEN_ADDR": address})
    assert done.status == os.EX_UNAVAILABLE
    assert f"error[SRV002] cannot listen on {address}: it is taken by " in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert f"{section}.listen_addr" in done.stderr


def test_the_sandbox_moves_on_from_a_taken_port_and_tells_where_it_went(tmp_path: Path) -> None:
    with ExitStack() as stack:
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = taken.getsockname()[1]
        settings = {f"EMPATH_{name}__LISTEN_ADDR": f"127.0.0.1:{port}" for name in ("METRICS", "HEALTH", "API")}
        daemon = stack.enter_context(Daemon(tmp_path, more=settings))
        assert daemon.http != f"127.0.0.1:{port}"
        assert get(daemon, "/health")[0] == 200
        assert daemon.stop() == 0


def test_an_audit_log_that_cannot_be_written_keeps_it_from_starting_and_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = live(tmp_path, next_hop="127.0.0.1:25")
    more = {"EMPATH_AUDIT__LOG_PATH": f"{tmp_path}/file/audit.jsonl"}
    done = empath("serve", "--config", str(config), home=tmp_path, more=more)
    assert done.status == os.EX_IOERR
    assert "error[SRV010] cannot " in done.stderr
    assert "audit.log_path" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_log_is_json_if_so_configured_line_for_line(sink: Sink, tmp_path: Path) -> None:
    config = live(tmp_path, next_hop=sink.address)
    with Daemon(tmp_path, config, more={"EMPATH_LOG__FORMAT": "json"}) as daemon:
        send_one(daemon)
        sink.wait(1)
        assert daemon.stop() == 0
    lines = [json.loads(line) for line in daemon.lines]
    assert {"time", "level", "logger", "message"} == set(lines[0])
    told = [line["to"] for line in lines if (line["logger"], line.get("event")) == ("delivery", "delivered")]
    assert told == ["bob@example.org"]


@pytest.mark.parametrize(("level", "told"), [("info", True), ("warning", False)])
def test_the_level_of_the_log_is_as_configured(level: str, told: bool, sink: Sink, tmp_path: Path) -> None:
    config = live(tmp_path, next_hop=sink.address, settings=f'log.level = "{level}"')
    with Daemon(tmp_path, config) as daemon:
        send_one(daemon)
        sink.wait(1)
        assert daemon.stop() == 0
    assert (" delivered " in daemon.log) is told
