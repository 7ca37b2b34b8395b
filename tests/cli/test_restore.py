"""``empath restore``: what the audit log says, and a restoration that was cut off."""

import gzip
import json
import os
from pathlib import Path, PurePath

import pytest
from click.testing import CliRunner

from empath.cli.audit_trail import ended_deliveries
from empath.cli.main import main
from empath.spool.belonging import CONVERTING
from empath.spool.contract import Selector, SpoolError
from empath.spool.restoring import NOTE, Restoration
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world.files import SystemFiles
from tests.contracts.spools import NOW, message, mid


def test_what_was_delivered_or_given_up_has_ended_and_nothing_else(tmp_path: Path) -> None:
    records = [
        {"event": "attempt", "outcome": "delivered", "deliveries": ["6911c5b5-1.0"]},
        {"event": "attempt", "outcome": "deferred", "deliveries": ["6911c5b5-2.0"]},
        {"event": "attempt", "outcome": "uncertain", "deliveries": ["6911c5b5-3.0"]},
        {"event": "attempt", "outcome": "bounced", "deliveries": ["6911c5b5-4.0"]},
        {"event": "attempt", "outcome": "delivered"},
        {"event": "start"},
    ]
    lines = [json.dumps(record).encode() for record in records]
    (tmp_path / "audit-2026-11-22.jsonl").write_bytes(b"\n".join([*lines, b'{"event": "att']))
    later = [{"event": "bounced", "deliveries": ["6911c5b5-5.1"]}, {"event": "expired", "deliveries": ["6911c5b5-6.0"]}]
    with gzip.open(tmp_path / "audit-2026-11-21.jsonl.gz", "wb") as file:
        file.write(b"\n".join(json.dumps(record).encode() for record in later))
    (tmp_path / "other.txt").write_bytes(lines[1])
    found = {"6911c5b5-1.0", "6911c5b5-5.1", "6911c5b5-6.0"}
    assert ended_deliveries([tmp_path]) == found
    assert ended_deliveries([tmp_path / "audit-2026-11-21.jsonl.gz"]) == {"6911c5b5-5.1", "6911c5b5-6.0"}


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup with three messages."""
    directory = tmp_path / "backup"
    (directory / "queue").mkdir(parents=True)
    (directory / "bodies").mkdir()
    store = open_database(str(directory / "queue" / "queue.sqlite3"))
    for number in (1, 2, 3):
        (result,) = store.commit([lambda store, number=number: store.accept(message(number))], durable=True)
        result.unwrap()
    store.close()
    (directory / "queue.id").write_text("ab\n")
    (directory / "backup.json").write_text(json.dumps({"backend": "sqlite", "at": NOW, "messages": 3, "files": 0}))
    return directory


def test_a_restoration_that_was_cut_off_begins_anew_and_no_daemon_starts_before(tmp_path: Path, backup: Path) -> None:
    config = tmp_path / "empath.toml"
    log = tmp_path / "log" / "audit.jsonl"
    config.write_text(
        f'mode = "live"\nhostname = "mx.example.org"\nspool.path = "{tmp_path}/spool"\naudit.log_path = "{log}"\n'
    )
    spool = tmp_path / "spool"
    (spool / "queue").mkdir(parents=True)
    half = Restoration(calls=SystemFiles(), source=backup, spool=spool, queue=spool / "queue")
    half.bring()
    assert (spool / CONVERTING).exists()
    ended = tmp_path / "audit.jsonl"
    ended.write_text(json.dumps({"event": "attempt", "outcome": "delivered", "deliveries": [f"{mid(2)}.0"]}) + "\n")
    done = CliRunner().invoke(main, ["restore", str(backup), "--audit", str(ended), "--config", str(config)])
    assert done.exit_code == os.EX_OK, done.output
    assert "3 messages were read; 1 deliveries had ended since, 2 are on hold (restored), 0 are as they were" in (
        done.stderr
    )
    assert not (spool / CONVERTING).exists()
    (told,) = [json.loads(line) for file in log.parent.iterdir() for line in file.read_text().splitlines()]
    assert (told["event"], told["seq"], told["selector"]) == ("restore", 1, str(backup))
    assert (told["count"], told["skipped"], told["by"].startswith("unix:")) == (2, 1, True)

    def held(store: Store) -> list[int]:
        look = store.find(Selector(hold=NOTE), now=NOW, after=None, limit=10)
        return [row.mid.number for row in look.rows]

    store = open_database(str(spool / "queue" / "queue.sqlite3"))
    assert store.commit([held], durable=False)[0].unwrap() == [1, 3]
    store.close()


def test_what_else_is_under_way_is_not_written_over(tmp_path: Path, backup: Path) -> None:
    (tmp_path / CONVERTING).write_text("sqlite:/a to files:/b\n")
    restoration = Restoration(calls=SystemFiles(), source=backup, spool=tmp_path, queue=PurePath("/nowhere"))
    with pytest.raises(SpoolError, match="another thing is under way, sqlite:/a to files:/b"):
        restoration.bring()


def test_a_backup_of_another_backend_is_refused(tmp_path: Path, backup: Path) -> None:
    (backup / "backup.json").write_text(json.dumps({"backend": "files", "at": NOW, "messages": 3, "files": 0}))
    config = tmp_path / "empath.toml"
    config.write_text(f'mode = "live"\nhostname = "mx.example.org"\nspool.path = "{tmp_path}/spool"\n')
    done = CliRunner().invoke(main, ["restore", str(backup), "--config", str(config)])
    assert done.exit_code == os.EX_UNAVAILABLE
    assert "the backup is one of files, and delivery.queue_backend is sqlite" in done.stderr
