"""Routes by real DNS: NSD and Unbound answer, and ``smtp-sink`` stands at each address that they name."""

import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from tests.peers import needs
from tests.process.daemon import Daemon
from tests.process.dns import Resolver, resolver
from tests.process.ports import free_port
from tests.process.smtpstone import Dump, dumps_in, smtp_sink

pytestmark = needs("nsd", "unbound", "smtp-sink")

SENDER: Final = "ann@senders.example"
SINKS: Final = {"a": "127.0.0.2", "b": "127.0.0.3", "senders": "127.0.0.4"}
ZONE: Final = """\
a         A     127.0.0.2
b         A     127.0.0.3
mx.senders A    127.0.0.4
dead      A     127.0.0.9
senders   MX    10 mx.senders
ranked    MX    20 b
ranked    MX    10 a
fallen    MX    30 b
fallen    MX    20 dead
fallen    MX    10 without-address
equal     MX    10 a
equal     MX    10 b
implicit  A     127.0.0.3
late      A     127.0.0.3
null      MX    0 .
bound     MX    10 a
; This host is relay.example, and no backup of itself.
relay     A     127.0.0.1
backup    MX    10 a
backup    MX    20 relay
backup    MX    20 b
loop      MX    10 relay
loop      MX    20 a
alias     CNAME ranked
; Delegated to a name server that does not answer.
lame      NS    ns.lame
ns.lame   A     127.0.0.9
"""


@frozen
class Net:
    """A relay, the DNS that it asks, and the hosts that it finds there."""

    daemon: Daemon
    dns: Resolver
    dumps: Path

    def send(self, *recipients: str) -> None:
        """Hand over one message to each."""
        with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=60) as client:
            for recipient in recipients:
                client.sendmail(SENDER, [recipient], f"Subject: to {recipient}\r\n\r\ntext\r\n".encode())

    def arrived(self, recipient: str) -> dict[str, list[Dump]]:
        """What has come for somebody, by host."""
        dumps = {host: dumps_in(self.dumps / host) for host in SINKS}
        found = {host: [dump for dump in held if recipient in dump.recipients] for host, held in dumps.items()}
        return {host: held for host, held in found.items() if held}

    def hosts(self, recipient: str) -> list[str]:
        """Where a message to somebody arrived, once it has."""
        eventually(lambda: bool(self.arrived(recipient)), f"nothing has come for {recipient}")
        return list(self.arrived(recipient))

    def reports_on(self, recipient: str) -> list[bytes]:
        """The reports that the sender has got about somebody."""
        wanted = f"Final-Recipient: rfc822; {recipient}\n".encode()
        return [dump.text for dump in self.arrived(SENDER).get("senders", []) if wanted in dump.text]

    def report_on(self, recipient: str) -> bytes:
        """The one report about somebody, once it has come."""
        eventually(lambda: bool(self.reports_on(recipient)), f"the sender has no report on {recipient}")
        [report] = self.reports_on(recipient)
        return report

    def log_of(self, event: str, recipient: str) -> list[str]:
        """The lines that tell of an event of somebody's delivery."""
        return [line for line in list(self.daemon.lines) if f" {event} " in line and f" to={recipient} " in line]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """One for all tests of this module."""
    home = tmp_path_factory.mktemp("net")
    with ExitStack() as stack:
        port = free_port()
        for host, address in SINKS.items():
            stack.enter_context(smtp_sink(home / host, f"{address}:{port}"))
        dns = stack.enter_context(resolver(home / "dns", ZONE))
        config = home / "empath.toml"
        config.write_text(
            f"""mode = "live"
hostname = "relay.example"

[[smtp.listeners]]
listen_addr = "127.0.0.1:0"

[delivery]
dns = {{ servers = ["{dns.address}"], timeout = "1s" }}
smtp_port = {port}
allow_private_hosts = true
max_messages_per_connection = 1     # so that each message is one choice among equals
retry_base_delay = "1s"
retry_max_delay = "1s"
circuit_breaker.timeout = "1s"
tls.default_policy = "disabled"
domains."bound.example".source = "127.0.0.5"
"""
        )
        yield Net(stack.enter_context(Daemon(home, config)), dns, home)


def test_the_lowest_preference_is_tried_first(net: Net) -> None:
    net.send("ranked@ranked.example")
    assert net.hosts("ranked@ranked.example") == ["a"]


def test_dead_hosts_and_hosts_without_an_address_are_passed_over_in_the_same_attempt(net: Net) -> None:
    net.send("fallen@fallen.example")
    assert net.hosts("fallen@fallen.example") == ["b"]
    assert net.log_of("deferred", "fallen@fallen.example") == []


def test_equals_share_the_load(net: Net) -> None:
    recipients = [f"equal{number}@equal.example" for number in range(24)]
    net.send(*recipients)
    chosen = [net.hosts(recipient) for recipient in recipients]
    assert [len(hosts) for hosts in chosen] == [1] * 24
    assert {host for hosts in chosen for host in hosts} == {"a", "b"}


def test_a_domain_without_mx_records_is_its_own_host(net: Net) -> None:
    net.send("bob@implicit.example")
    assert net.hosts("bob@implicit.example") == ["b"]


def test_an_alias_leads_to_the_hosts_of_its_target_and_the_recipient_keeps_the_name(net: Net) -> None:
    net.send("bob@alias.example")
    assert net.hosts("bob@alias.example") == ["a"]


def test_where_this_host_is_a_backup_the_better_one_gets_the_mail(net: Net) -> None:
    net.send("bob@backup.example")
    assert net.hosts("bob@backup.example") == ["a"]


def test_a_domain_with_a_source_address_is_reached_from_there(net: Net) -> None:
    net.send("bob@bound.example", "bob@ranked.example")
    assert net.hosts("bob@bound.example") == net.hosts("bob@ranked.example") == ["a"]
    clients = {
        recipient: b"X-Client-Addr: 127.0.0.5\n" in net.arrived(recipient)["a"][0].text
        for recipient in ("bob@bound.example", "bob@ranked.example")
    }
    assert clients == {"bob@bound.example": True, "bob@ranked.example": False}


@pytest.mark.parametrize(
    ("domain", "status"), [("null.example", b"5.1.10"), ("missing.example", b"5.1.2"), ("loop.example", b"5.4.6")]
)
def test_a_domain_that_takes_no_mail_or_does_not_exist_is_reported_to_the_sender_at_once(
    net: Net, domain: str, status: bytes
) -> None:
    net.send(f"bob@{domain}")
    report = net.report_on(f"bob@{domain}")
    assert b"\nAction: failed\n" in report
    assert b"\nStatus: " + status + b"\n" in report
    assert b"X-Mail-Args: <>" in report
    assert net.log_of("deferred", f"bob@{domain}") == []
    assert len(net.log_of("bounced", f"bob@{domain}")) == 1


def test_a_lookup_that_fails_defers_and_never_bounces(net: Net) -> None:
    net.send("bob@lame.example")
    eventually(lambda: len(net.log_of("deferred", "bob@lame.example")) >= 2, "it was not tried again")
    assert net.log_of("bounced", "bob@lame.example") == []
    assert net.reports_on("bob@lame.example") == []


def test_mail_waits_while_the_resolver_is_dead_and_goes_out_when_it_is_back(net: Net) -> None:
    net.dns.stop()
    net.send("bob@late.example", "bob@unheard.example")
    eventually(lambda: bool(net.log_of("deferred", "bob@late.example")), "it was not deferred")
    eventually(lambda: bool(net.log_of("deferred", "bob@unheard.example")), "it was not deferred")
    assert net.reports_on("bob@unheard.example") == []
    net.dns.start()
    assert net.hosts("bob@late.example") == ["b"]
    assert b"\nStatus: 5.1.2\n" in net.report_on("bob@unheard.example")


def eventually(holds: Callable[[], bool], otherwise: str, timeout_s: float = 60.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)
