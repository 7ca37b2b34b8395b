"""A backup of a daemon at work, and its restoration: nothing is lost, and nothing is sent twice."""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.process.control import ctl, record
from tests.process.daemon import Daemon, empath, live
from tests.process.load import Load
from tests.process.sink import Sink
from tests.process.waiting import wait_until

THINKING_S = 0.02
PATIENCE_S = 60.0
LOADED_S = 0.3
SOME = 30


@pytest.mark.parametrize("backend", ["sqlite", "files"])
def test_a_backup_under_load_brings_back_all_that_had_not_ended_and_nothing_else(tmp_path: Path, backend: str) -> None:
    settings = f'delivery.queue_backend = "{backend}"\ndelivery.max_connections_per_host = 4'
    backup = tmp_path / "backup"
    with Sink(delay_s=THINKING_S, keep_content=False) as sink:
        config = live(tmp_path, next_hop=sink.address, settings=settings)
        with Daemon(tmp_path, config) as daemon:
            with Load(7, lambda: daemon.port) as load:
                time.sleep(LOADED_S)
                before = set(load.promised)
                made = record(tmp_path, "backup", str(backup))
                assert (made["messages"] > 0, made["missing"]) == (True, [])
                verified = ctl(tmp_path, "spool", "verify")
                assert (verified.status, verified.stdout) == (0, "")
            again = ctl(tmp_path, "backup", str(backup))
            assert again.stderr.startswith(f"error[SPO001] {backup} is not empty")
            assert daemon.stop() == 0
        (tmp_path / "spool").rename(tmp_path / "lost")

        restored = empath("restore", str(backup), "--audit", str(tmp_path), "--config", str(config), home=tmp_path)
        assert restored.status == 0, restored
        assert "on hold (restored)" in restored.stderr
        with Daemon(tmp_path, config) as daemon:
            held = record(tmp_path, "queue", "stats")["held"]
            assert held > 0
            assert ctl(tmp_path, "queue", "release", "--hold", "restored", "--yes").status == 0
            sink.wait_for_recipients(before, PATIENCE_S)
            while record(tmp_path, "queue", "stats")["messages"]:
                time.sleep(0.1)
            assert daemon.stop() == 0
    arrived = Counter(recipient for message in sink.arrived for recipient in message.recipients)
    print(f"{backend}: {len(before)} promised before the backup of {made['messages']} messages, {held} held after it")
    assert before <= set(arrived)
    assert max(arrived.values()) == 1


def test_what_the_audit_log_of_a_killed_daemon_has_delivered_is_not_sent_again(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with Sink(delay_s=THINKING_S, keep_content=False) as sink:
        config = live(tmp_path, next_hop=sink.address, settings="delivery.max_connections_per_host = 4")
        with Daemon(tmp_path, config) as daemon, Load(7, lambda: daemon.port) as load:
            wait_until(lambda: len(load.promised) > SOME, PATIENCE_S)
            before = set(load.promised)
            assert ctl(tmp_path, "backup", str(backup)).status == 0
            wait_until(lambda: len(delivered(tmp_path)) > SOME, PATIENCE_S)
            safe = delivered(tmp_path)
            daemon.kill()
        (tmp_path / "spool").rename(tmp_path / "lost")
        restored = empath("restore", str(backup), "--audit", str(tmp_path), "--config", str(config), home=tmp_path)
        assert restored.status == 0, restored
        with Daemon(tmp_path, config) as daemon:
            ctl(tmp_path, "queue", "release", "--hold", "restored", "--yes")
            sink.wait_for_recipients(before, PATIENCE_S)
            wait_until(lambda: record(tmp_path, "queue", "stats")["messages"] == 0, PATIENCE_S)
            assert daemon.stop() == 0
    arrived = Counter(recipient for message in sink.arrived for recipient in message.recipients)
    assert before <= set(arrived)
    assert {recipient for recipient in safe if arrived[recipient] > 1} == set()


def delivered(directory: Path) -> set[str]:
    """The recipients of whom the audit log says by now that they have their message."""
    lines = [line for path in directory.glob("audit*.jsonl") for line in path.read_bytes().splitlines()]
    facts = [json.loads(line) for line in lines if b'"delivered"' in line and line.endswith(b"}")]
    return {recipient for fact in facts for recipient in fact["recipients"]}


def test_what_is_no_backup_is_not_brought_back_and_a_spool_in_use_is_not_written_over(tmp_path: Path) -> None:
    with Sink() as sink:
        config = live(tmp_path, next_hop="127.0.0.1:1")
        backup = tmp_path / "backup"
        with Daemon(tmp_path, config) as daemon, Load(7, lambda: daemon.port):
            time.sleep(0.2)
            assert ctl(tmp_path, "backup", str(backup)).status == 0
            busy = empath("restore", str(backup), "--config", str(config), home=tmp_path)
            assert (busy.status, "is in use by" in busy.stderr) == (os.EX_UNAVAILABLE, True)
        full = empath("restore", str(backup), "--config", str(config), home=tmp_path)
        assert (full.status, "messages and" in full.stderr) == (os.EX_UNAVAILABLE, True)
        (backup / "backup.json").unlink()
        none = empath("restore", str(backup), "--config", str(config), home=tmp_path)
        assert (none.status, "is no backup" in none.stderr) == (os.EX_UNAVAILABLE, True)
        assert sink.arrived == []
