"""One recipient complains: what a running daemon, and its files after it, know of his mail, word for word."""

import json
import os
import re
import socket
import time
from pathlib import Path

from click.testing import CliRunner

from empath.cli.main import main
from tests.process.control import ctl, record, said
from tests.process.daemon import Daemon, Finished, empath, environment, live
from tests.process.sink import Sink
from tests.process.test_shutdown import send_one

PATIENCE_S = 60.0
SETTINGS = """audit.rotate_daily = false
audit.hash_chain = true
audit.redact_sender = "hash"
audit.redact_recipients = "hash"
api.tokens_file = "{tokens}"
"""
CAME = "DAY TIME MID received from [127.0.0.1] (127.0.0.1) 22 B from HASH"


def told(home: Path, *arguments: str) -> str:
    """What ``history`` prints, without days, times of day and hashes, too."""
    text = re.sub(r"\b\d\d-\d\d (?=\d\d:)", "DAY ", said(home, "history", *arguments))
    return re.sub(r"\bhash:[0-9a-f]+", "HASH", re.sub(r"\b\d\d:\d\d:\d\dZ", "TIME", text))


def wait_for_history(home: Path, word: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while word not in (text := told(home, "bob@example.org")):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)


def test_one_recipients_complaint(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    tokens, token = tmp_path / "tokens", tmp_path / "token"
    token.write_text(empath("token", "new", "reader", "--scope", "read", "--file", str(tokens), home=tmp_path).stdout)
    config = live(tmp_path, next_hop=f"127.0.0.1:{port}", settings=SETTINGS.format(tokens=tokens))
    with Daemon(tmp_path, config) as daemon:
        send_one(daemon)
        wait_for_history(tmp_path, "deferred")
        look_into_the_message(daemon, token)
        with Sink(port=port) as sink:
            sink.wait(1, PATIENCE_S)
            wait_for_history(tmp_path, "DELIVERED")
        line = told(tmp_path, "Bob@Example.org", "--since", "1d")
        assert re.sub(r"\(\d+ attempts", "(N attempts", line) == (
            f"{CAME} → TIME DELIVERED 127.0.0.1 250 2.0.0 OK (N attempts, AGE: connection)\n"
        )
        steps = told(tmp_path, "bob@example.org", "--steps").splitlines()
        assert steps[1] == "    TIME deferred 127.0.0.1 Connection refused"
        assert steps[-1] == "    TIME delivered 127.0.0.1 250 2.0.0 OK"
        (story,) = record(tmp_path, "history", "bob@example.org")["stories"]
        assert (story["recipient"], story["sender"][:5], story["state"]) == ("bob@example.org", "hash:", "delivered")
        assert told(tmp_path, story["mid"]).startswith(f"{CAME} to HASH → TIME DELIVERED ")
        nobody = ctl(tmp_path, "history", "zoe@example.org")
        assert (nobody.status, nobody.stdout) == (0, "")
        assert nobody.stderr.startswith("nothing is known of zoe@example.org since 20")
        assert ctl(tmp_path, "backup", str(tmp_path / "backup")).status == 0
        assert daemon.stop() == 0
    without_a_daemon(tmp_path, config, story["mid"])


def look_into_the_message(daemon: Daemon, token: Path) -> None:
    """The message is shown to those who may see it."""
    home = daemon.home
    mid = record(home, "queue", "list")["deliveries"][0]["mid"]
    whole = ctl(home, "queue", "view", mid, "--raw").stdout
    assert whole.startswith("Received: from [127.0.0.1]")
    assert whole.endswith("Subject: one\n\ntext\n")  # as text, with the line ends of this system
    assert ctl(home, "queue", "view", mid, "--headers").stdout == whole.removesuffix("\ntext\n")
    assert ctl(home, "queue", "view", mid, "--raw", "--headers").status == os.EX_USAGE
    elsewhere = ("--url", f"http://{daemon.http}", "--token-file", str(token))
    assert ctl(home, *elsewhere, "history", "bob@example.org").status == 0
    refused = ctl(home, *elsewhere, "queue", "view", mid, "--raw")
    assert (refused.status, refused.stdout) == (os.EX_NOPERM, "")
    assert "it needs the scope content" in refused.stderr


def audit(home: Path, *arguments: str) -> Finished:
    """Run ``empath audit`` in this very process: starting Python costs half a second each time."""
    done = CliRunner().invoke(main, ["audit", *arguments], env=environment(home))
    return Finished(done.exit_code, done.stdout, done.stderr)


def without_a_daemon(home: Path, config: Path, mid: str) -> None:
    """The files say the same when it does not run, and prove themselves."""
    place = ("--config", str(config))
    found = audit(home, "grep", "--address", "bob@example.org", "--outcome", "delivered", "--jsonl", *place)
    delivered = json.loads(found.stdout)
    assert (delivered["mid"], delivered["recipients"][0][:5]) == (mid, "hash:")
    assert audit(home, "grep", "--event", "backup", *place).stdout.count("\n") == 1
    assert "  delivered       1\n" in audit(home, "report", "--day", delivered["time"][:10], *place).stdout
    verified = empath("audit", "verify", *place, home=home)
    assert (verified.status, verified.stdout) == (0, "")
    assert " 0 faults; " in verified.stderr
    file = home / "audit.jsonl"
    file.write_text(file.read_text().replace('"outcome":"delivered"', '"outcome":"bounced"'))
    changed = audit(home, "verify", *place)
    assert (changed.status, changed.stdout[:8]) == (1, "changed\t")
