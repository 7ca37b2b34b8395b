"""The log of a daemon whose lines go to the journal, and the level that somebody sets for a while."""

import smtplib
from pathlib import Path
from typing import Final

from tests.process.control import ctl, record
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink
from tests.process.waiting import wait_until

# systemd.exec(5): which device and inode standard error is, if it is the journal.
UNDER_JOURNAL: Final = ("sh", "-c", 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"', "sh")
PATIENCE_S: Final = 60.0


def greet(daemon: Daemon) -> None:
    """Open a session and end it."""
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=PATIENCE_S) as client:
        client.ehlo()


def test_lines_for_the_journal_have_priorities_and_a_level_that_was_set_ends_by_itself(
    sink: Sink, tmp_path: Path
) -> None:
    more = {"EMPATH_LOG__FORMAT": "auto"}
    settings = "delivery.accept_invalid_certs = true"
    config = live(tmp_path, next_hop=sink.address, settings=settings)
    with Daemon(tmp_path, config, wrapper=UNDER_JOURNAL, more=more) as daemon:
        daemon.wait_for_line("<4>warning app.connecting accept_invalid_certs: certificates of next hops", PATIENCE_S)
        greet(daemon)
        assert ctl(tmp_path, "log", "level", "reception=debug", "--for", "1h").status == 0
        greet(daemon)
        daemon.wait_for_line("<7>debug reception closed session=", PATIENCE_S)
        opened = [line for line in daemon.lines if line.startswith("<7>debug reception opened session=")]
        assert len(opened) == 1
        assert ctl(tmp_path, "log", "level", "reception=debug", "--for", "1ms").status == 0
        wait_until(lambda: record(tmp_path, "log", "list")["levels"] == [], PATIENCE_S)
        greet(daemon)
        assert daemon.stop() == 0
        assert sum("reception opened" in line for line in daemon.lines) == 1
