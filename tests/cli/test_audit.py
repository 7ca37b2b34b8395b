"""``empath audit``: what it finds in a log, plain and packed, and what it says of one that is not whole."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from attrs import evolve, frozen
from click.testing import CliRunner

from empath.cli.main import main
from empath.config.schema import Redaction
from empath.mail.facts import LoginRefused
from empath.mail.operator_facts import OperatorActed
from empath.ops.audit.chain import linked
from empath.ops.audit.records import Mark
from empath.ops.audit.redaction import Redactor
from tests.ops.audit.shelf import EARLIER, KEY, told
from tests.ops.facts import BUSY, MESSAGE, NOW, SESSION, UNKNOWN, accepted, attempted, ended, refused
from tests.ops.facts import told as reported

ACTED = OperatorActed(
    at=NOW, by="unix:ann", verb="delete", selector="--domain example.org", why="list", count=7, skipped=0, job=3
)
TODAY, BEFORE = "2025-11-10", "2025-11-09"


@frozen
class Done:
    """What a command has come to."""

    status: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.stdout.splitlines()]


@frozen
class Place:
    """A configuration and its log."""

    directory: Path

    def run(self, *arguments: str) -> Done:
        command = ["audit", *arguments, "--config", str(self.directory / "empath.toml")]
        done = CliRunner().invoke(main, command, catch_exceptions=False)
        return Done(done.exit_code, done.stdout, done.stderr)

    def file(self, day: str) -> Path:
        return self.directory / f"audit-{day}.jsonl"

    def put(self, day: str, *records: dict[str, Any], packed: bool = False) -> None:
        content = b"".join(msgspec.json.encode(one) + b"\n" for one in records)
        if packed:
            self.file(day).with_suffix(".jsonl.gz").write_bytes(gzip.compress(content))
        else:
            self.file(day).write_bytes(content)


def run_of(*facts: Any) -> list[dict[str, Any]]:
    """The records of a whole run."""
    records = map(told, (Mark(NOW, "start"), *facts, Mark(NOW, "stop")))
    return [{**record, "seq": number} for number, record in enumerate(records, 1)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "empath.toml").write_text(
        f'mode = "live"\nhostname = "mx.example.org"\nspool.path = "{tmp_path}/spool"\n'
        f'audit.log_path = "{tmp_path}/audit.jsonl"\n'
    )
    (tmp_path / "spool").mkdir()
    found = Place(tmp_path)
    found.put(BEFORE, told(accepted(at=EARLIER)), told(attempted(BUSY, at=EARLIER)), packed=True)
    found.put(TODAY, *run_of(attempted(), attempted(UNKNOWN), ended(), reported(), refused(), ACTED))
    return found


def test_records_are_found_by_all_that_is_said_in_packed_files_too(place: Place) -> None:
    assert [row[1:4] for row in place.run("grep", "--address", "Ann@example.org", "--outcome", "deferred").rows] == [
        ["attempt", "deferred", str(MESSAGE)]
    ]
    assert [row[1] for row in place.run("grep", "--mid", str(MESSAGE)).rows] == [
        *("attempt", "attempt", "bounced", "dsn", "received", "attempt"),
    ]
    assert (
        len(place.run("grep", "--lane", "example.org", "--since", "2025-11-10", "--until", "2025-11-11T12:00").rows)
        == 2
    )
    assert len(place.run("grep", "--domain", "EXAMPLE.org", "--event", "rejected").rows) == 1
    assert place.run("grep", "--reply", "550*unknown*").rows[0][-1].startswith("550 5.1.1 <Ann@Example.org> unknown")
    (line,) = place.run("grep", "--event", "deleted", "--jsonl").stdout.splitlines()
    assert json.loads(line)["by"] == "unix:ann"
    assert place.run("grep", "--event", "rejected", str(place.directory / f"audit-{BEFORE}.jsonl.gz")).stdout == ""
    assert len(place.run("grep", "--event", "attempt", str(place.directory)).rows) == 3
    none = place.run("grep", "--address", "zoe@example.org")
    assert (none.status, none.stdout, none.stderr) == (0, "", "there is no such record\n")


def test_hashed_addresses_are_found_with_the_key_of_the_spool(place: Place) -> None:
    redactor = Redactor(sender=Redaction.HASH, recipients=Redaction.HASH, key=KEY)
    place.put(TODAY, told(attempted(), 1, redactor))
    assert len(place.run("grep", "--address", "ann@example.org", "--since", TODAY).rows) == 0
    (place.directory / "spool" / "audit.key").write_bytes(KEY)
    assert len(place.run("grep", "--address", "Ann@example.org", "--since", TODAY).rows) == 1


def test_a_day_is_told_in_figures(place: Place) -> None:
    refused_login = LoginRefused(
        at=NOW, session=SESSION, client_ip="192.0.2.9", login="ann", mechanism="PLAIN", reason="wrong"
    )
    slow = evolve(attempted(), waited_s=100.0, took_s=1.0)
    place.put(TODAY, *run_of(accepted(), slow, attempted(BUSY), attempted(UNKNOWN), refused(), refused_login, ACTED))
    report = place.run("report", "--day", TODAY)
    assert report.status == 0
    assert report.stdout.splitlines()[:10] == [
        "2025-11-10 (UTC)",
        "  received        1 messages, 4.2 kB",
        "  rejected        1",
        "  delivered       1",
        "  deferred        1 attempts",
        "  bounced         1",
        "  expired         0",
        "  reports         0",
        "  logins refused  1",
        "  records dropped 0",
    ]
    assert "example.org\t1\t1\t1\t0\t1m37s\t1m37s" in report.stdout
    assert "1\texample.org\tdeferred\tgreylisted\t451 4.7.1 later" in report.stdout
    assert "1\t550 5.7.1 relaying denied" in report.stdout
    assert "  11:31:11 deleted --domain example.org by unix:ann 7 deliveries (list)" in report.stdout
    digest = json.loads(place.run("report", "--day", TODAY, "--json").stdout)
    assert (digest["schema"], digest["delivered"], digest["slowest"][0]["p95_s"]) == ("empath.audit-digest/1", 1, 97)
    assert json.loads(place.run("report", "--day", BEFORE, "--json").stdout)["received"] == 1
    assert json.loads(place.run("report", "--json").stdout)["received"] == 0
    assert place.run("report", "--day", "someday").status == os.EX_USAGE


def test_a_log_is_verified_and_what_is_missing_is_named(place: Place) -> None:
    (place.directory / f"audit-{BEFORE}.jsonl.gz").unlink()
    whole = place.run("verify")
    assert (whole.status, whole.stdout) == (0, "")
    assert whole.stderr.startswith("8 records of 1 runs, 0 faults; records are not chained (audit.hash_chain)")
    lines = place.file(TODAY).read_bytes().splitlines(keepends=True)
    place.file(TODAY).write_bytes(b"".join([*lines[:2], *lines[3:]]))
    cut = place.run("verify")
    assert (cut.status, cut.rows) == (1, [["gap", f"audit-{TODAY}.jsonl:3", "1 missing before record 4"]])
    found = json.loads(place.run("verify", "--json").stdout)
    assert (found["faults"], found["findings"][0]["flaw"]) == (1, "gap")


def test_with_a_chain_a_changed_record_is_named(place: Place) -> None:
    (place.directory / "spool" / "audit.key").write_bytes(KEY)
    (place.directory / f"audit-{BEFORE}.jsonl.gz").unlink()
    before, lines = "", list[bytes]()
    for record in run_of(attempted(), attempted(BUSY)):
        first = {"previous": ""} if record["seq"] == 1 else {}
        text, before = linked(msgspec.json.encode({**record, **first}), before=before, key=KEY)
        lines.append(text + b"\n")
    place.file(TODAY).write_bytes(b"".join(lines))
    whole = place.run("verify")
    assert (whole.status, f"4 records are as they were written, the newest link is {before}" in whole.stderr) == (
        0,
        True,
    )
    place.file(TODAY).write_bytes(b"".join(lines).replace(b"451 4.7.1 later", b"550 5.7.1 never"))
    assert place.run("verify").rows == [["changed", f"audit-{TODAY}.jsonl:3", "record 3, or what stood before it"]]


def test_files_that_are_not_there_or_damaged_are_said_to_be(place: Place) -> None:
    packed = place.directory / f"audit-{BEFORE}.jsonl.gz"
    packed.write_bytes(packed.read_bytes()[:-30])
    cut = place.run("verify")
    assert (cut.status, cut.rows[0][0]) == (1, "unreadable")
    damaged = place.run("grep", "--mid", str(MESSAGE))
    assert (damaged.status, damaged.stderr.startswith("error[AUD002] a compressed file ")) == (os.EX_DATAERR, True)
    for path in place.directory.glob("audit-*"):
        path.unlink()
    assert place.run("verify").status == os.EX_NOINPUT
    (place.directory / "empath.toml").write_text('mode = "sandbox"\naudit.log_path = "/nowhere/at/all/audit.jsonl"\n')
    missing = place.run("report")
    assert (missing.status, missing.stderr[:14]) == (os.EX_NOINPUT, "error[AUD003] ")
