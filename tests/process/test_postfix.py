"""A real Postfix as the next hop, which sends everything on to a sink that remembers."""

import os
from pathlib import Path

import pytest

from tests.peers import needs
from tests.process.daemon import Daemon, live
from tests.process.load import Load
from tests.process.postfix import postfix
from tests.process.sink import Sink

MESSAGES = 50


@needs("postfix")
@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix changes its user, so root must start it")
def test_what_is_handed_to_postfix_arrives_once_and_unchanged(tmp_path: Path) -> None:
    with (
        Sink(relays=2) as sink,
        postfix(next_hop=sink.address) as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address)) as daemon,
    ):
        with Load(1, lambda: daemon.port) as load:
            sink.wait(MESSAGES)
        sink.wait_for_recipients(load.promised)
        assert daemon.stop() == 0
    arrived = [(recipient, message) for message in sink.arrived for recipient in message.recipients]
    assert len(arrived) == len(load.promised)
    assert {recipient for recipient, _ in arrived} == load.promised
    assert [recipient for recipient, message in arrived if message.digest != load.digests[recipient]] == []
