"""A real Postfix as the next hop, which sends everything on to a sink that remembers."""

import os
import smtplib
from pathlib import Path

import pytest
import trustme

from tests.peers import needs
from tests.process.daemon import Daemon, live
from tests.process.load import Load
from tests.process.postfix import postfix
from tests.process.sink import Sink
from tests.process.test_shutdown import send_one
from tests.process.test_watching import audited

MESSAGES = 50
POLICY = "EMPATH_DELIVERY__TLS__DEFAULT_POLICY"


pytestmark = [
    needs("postfix"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix changes its user, so root must start it"),
]


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


def test_recipients_in_several_domains_reach_a_smart_host_as_one_message(tmp_path: Path) -> None:
    everybody = {f"{one}@{domain}.example" for one in "ab" for domain in ("one", "two", "three")}
    log: list[str] = []
    with (
        Sink(relays=2) as sink,
        postfix(next_hop=sink.address, log=log) as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address)) as daemon,
    ):
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
            client.sendmail("ann@example.com", sorted(everybody), b"Subject: one\r\n\r\ntext\r\n")
        sink.wait_for_recipients(everybody)
        assert daemon.stop() == 0
    assert [{*message.recipients} for message in sink.arrived] == [everybody]
    assert sink.arrived[0].content.count(b"by postfix.example (Postfix) with ESMTP id ") == 1
    assert len([line for line in log if "from=<ann@example.com>" in line and "nrcpt=6" in line]) == 1


def test_what_we_say_of_tls_and_of_reports_is_what_postfix_has_seen(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("postfix.example")
    log: list[str] = []
    with (
        Sink(relays=0) as sink,
        postfix(next_hop=sink.address, chain=issued.private_key_and_cert_chain_pem.bytes(), log=log) as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address), more={POLICY: "required"}) as daemon,
    ):
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
            content = b"Subject: one\r\n\r\ntext\r\n"
            client.sendmail("ann@example.com", ["bob@example.org"], content, ["ENVID=QQ314159"], ["NOTIFY=SUCCESS"])
        sink.wait(2)  # the message, and the report that Postfix makes
        assert daemon.stop() == 0
    (ours,) = [record["tls"] for record in audited(tmp_path) if record["event"] == "attempt"]
    (theirs,) = [line for line in log if "TLS connection established from" in line]
    assert ours == "TLSv1.3"
    assert f": {ours} with cipher " in theirs
    assert [line for line in log if "sender delivery status notification" in line]
    assert not [line for line in daemon.lines if " reports made " in line]


@pytest.mark.parametrize("policy", ["opportunistic", "required"])
def test_starttls_is_used_where_postfix_offers_it(policy: str, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("postfix.example")
    chain = issued.private_key_and_cert_chain_pem.bytes()
    with (
        Sink(relays=2) as sink,
        postfix(next_hop=sink.address, chain=chain) as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address), more={POLICY: policy}) as daemon,
    ):
        send_one(daemon)
        sink.wait(1)
        assert daemon.stop() == 0
    assert b"by postfix.example (Postfix) with ESMTPS id " in sink.arrived[0].content


def test_where_postfix_offers_none_mail_goes_in_clear_or_waits_if_the_policy_demands_it(tmp_path: Path) -> None:
    with Sink(relays=2) as sink, postfix(next_hop=sink.address) as address:
        with Daemon(tmp_path, live(tmp_path, next_hop=address), more={POLICY: "required"}) as daemon:
            send_one(daemon)
            daemon.wait_for_line(" to=bob@example.org lane=")
            assert daemon.stop() == 0
        assert sink.arrived == []
        with Daemon(tmp_path, live(tmp_path, next_hop=address), more={POLICY: "opportunistic"}) as daemon:
            sink.wait(1)
            assert daemon.stop() == 0
    assert b"by postfix.example (Postfix) with ESMTP id " in sink.arrived[0].content
