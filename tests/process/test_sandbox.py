"""``empath serve`` as a new user types it: without a configuration."""

import json
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.process.daemon import Daemon, Finished, empath


def test_mail_that_is_sent_to_the_sandbox_can_be_looked_at(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        said = daemon.log
        command = ("send", "--server", daemon.address, "--to", "ann@example.org", "--subject", "lunch")
        sent = empath(*command, "--body", "At noon?", home=tmp_path)
        assert (sent.status, sent.stdout.split()[0]) == (0, "accepted"), sent
        mid = sent.stdout.split()[1]
        listed = wait_for_captured(tmp_path)
        shown = empath("captured", "show", mid, home=tmp_path)
        assert daemon.stop() == 0
    assert "SANDBOX, mail is captured here, nothing leaves this machine" in said
    assert f"captured mail {tmp_path}/spool/sandbox/captured" in said
    [message] = json.loads(listed.stdout)["messages"]
    assert (message["recipients"], message["subject"], message["mid"]) == (["ann@example.org"], "lunch", mid)
    assert Path(message["file"]).exists()
    assert "At noon?" in shown.stdout


def test_the_sandbox_moves_on_from_a_taken_port_and_says_so(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # somebody else has it, which does as well
            stack.enter_context(socket.create_server(("127.0.0.1", 1025)))
        daemon = stack.enter_context(Daemon(tmp_path))
        assert daemon.port > 1025
        assert "warning app.worker cannot listen on 127.0.0.1:1025: it is taken by " in daemon.log
        assert daemon.stop() == 0
    assert f"try  empath send --server {daemon.address} --to ann@example.org" in daemon.log


def wait_for_captured(home: Path, timeout_s: float = 60.0) -> Finished:
    """Wait until a message has been captured; what ``captured list`` then says."""
    deadline = time.monotonic() + timeout_s
    while True:
        listed = empath("captured", "list", "--json", home=home)
        if json.loads(listed.stdout)["messages"] or time.monotonic() > deadline:
            return listed
