"""Reception hooks in a daemon: a real rspamd that judges, and one that is not there."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import needs
from tests.process.daemon import Daemon, live
from tests.process.dns import resolver
from tests.process.ports import free_port
from tests.process.rspamd import GTUBE, rspamd
from tests.process.sink import Sink

CLEAN = "From: a@client.example\r\nSubject: lunch\r\nMessage-ID: <1@client.example>\r\n\r\nAt twelve?\r\n"


@pytest.fixture(scope="module")
def filtering() -> Iterator[str]:
    with rspamd() as url:
        yield url


@pytest.fixture
def marked() -> Iterator[Sink]:
    """A next hop that has no opinion on what stands above the trace field."""
    with Sink(relays=0) as sink:
        yield sink


def daemon(home: Path, sink: Sink, url: str, fail_mode: str = "open", deadline: str = "10s") -> Daemon:
    hook = f"""
[[smtp.hooks]]
name = "rspamd"
deadline = "{deadline}"
fail_mode = "{fail_mode}"
settings.url = "{url}"
"""
    return Daemon(home, live(home, next_hop=sink.address, listener=hook))


def send(port: int, content: str) -> tuple[int, bytes]:
    """The answer to a message."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example") as client:
        client.ehlo()
        client.mail("a@client.example")
        client.rcpt("b@anywhere.example")
        return client.data(content)


@needs("rspamd")
def test_a_real_rspamd_keeps_spam_out_and_marks_what_it_lets_in(tmp_path: Path, marked: Sink, filtering: str) -> None:
    with daemon(tmp_path, marked, filtering, "closed") as relay:
        code, text = send(relay.port, CLEAN.replace("At twelve?", GTUBE))
        assert (code, text) == (550, b"5.7.1 Gtube pattern")
        assert send(relay.port, CLEAN)[0] == 250
        large = CLEAN + "0123456789abcdef\r\n" * 50_000
        assert send(relay.port, large)[0] == 250
        marked.wait(2)
        assert relay.stop() == 0
    assert [message.content.partition(b"\r\n")[0] for message in marked.arrived] == [
        b"X-Spam-Status: No, score=0.00 required=15.00"
    ] * 2
    assert {message.content[-len(large) :].decode() == large for message in marked.arrived} == {True, False}


@pytest.mark.parametrize(("fail_mode", "code"), [("open", 250), ("closed", 451)])
def test_without_rspamd_mail_passes_or_waits_as_configured(
    tmp_path: Path, marked: Sink, fail_mode: str, code: int
) -> None:
    with daemon(tmp_path, marked, f"http://127.0.0.1:{free_port()}", fail_mode) as relay:
        assert send(relay.port, CLEAN)[0] == code
        assert send(relay.port, CLEAN)[0] == code
        assert relay.stop() == 0
        assert "hook rspamd failed at on_message" in relay.log


@needs("nsd", "unbound")
def test_a_client_on_a_real_dns_list_reaches_nobody_but_postmaster(tmp_path: Path, marked: Sink) -> None:
    listed = """
[[smtp.hooks]]
name = "dnsbl"
settings = { zones = ["other.example", "bl.example=127.0.0.2"], exempt = ["192.0.2.0/24"] }
"""
    with resolver(tmp_path / "dns", "1.0.0.127.bl A 127.0.0.2\n") as dns:
        settings = f'relay.domains = ["ours.example"]\ndelivery.dns.servers = ["{dns.address}"]'
        config = live(tmp_path, next_hop=marked.address, settings=settings, listener=listed)
        with Daemon(tmp_path, config) as relay, smtplib.SMTP("127.0.0.1", relay.port, "client.example") as client:
            client.ehlo()
            assert client.mail("a@client.example")[0] == 250
            assert client.rcpt("b@ours.example") == (550, b"5.7.1 127.0.0.1 is listed by bl.example")
            assert client.rcpt("postmaster@ours.example")[0] == 250
            dns.stop()
            # what is known is remembered
            assert client.rcpt("c@ours.example")[0] == 550
