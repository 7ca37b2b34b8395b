"""MTA-STS and reports on TLS in a real daemon: web servers on loopback, real DNS, mail hosts with TLS."""

import gzip
import json
import os
import smtplib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pytest
import trio
from attrs import frozen

from empath.policy.tlsrpt.results import NO_POLICY
from empath.policy.tlsrpt.tally import DayTally
from empath.sim.fetch import Silence
from empath.world import FetchResponse, TcpEndpoint
from empath.world.network import SystemNetwork
from tests.delivery.tls_hosts import TlsHost, serving
from tests.http_server import HttpServer
from tests.peers import needs
from tests.process.certificates import Issuer
from tests.process.daemon import Daemon
from tests.process.dns import resolver
from tests.process.ports import free_port
from tests.process.waiting import wait_until

# The port of web servers is not to be chosen (RFC 8461 3.3).
HTTPS: Final = 443
PROVEN, UNPROVEN = "127.0.0.4", "127.0.0.5"
# domain -> what its policy says, and at which address its mail host is
DOMAINS: Final = {
    "proven": ("mode: enforce\nmx: mx.proven.example\nmax_age: 86400", PROVEN),
    "unproven": ("mode: enforce\nmx: mx.unproven.example\nmax_age: 86400", UNPROVEN),
    "unlisted": ("mode: enforce\nmx: mx.proven.example\nmax_age: 86400", PROVEN),
    "testing": ("mode: testing\nmx: mx.proven.example\nmax_age: 86400", UNPROVEN),
    "short": ("mode: enforce\nmx: mx.short.example\nmax_age: 4", UNPROVEN),
}
CONFIG: Final = """\
mode = "live"
hostname = "mta.example.com"
delivery.smtp_port = {port}
delivery.allow_private_hosts = true
delivery.retry_base_delay = "1s"
delivery.retry_multiplier = 1.0
delivery.circuit_breaker.failure_threshold = 1000
delivery.tls.ca_file = "{ca}"
delivery.tls.mta_sts_retry = "1s"
delivery.tls.report.contact = "postmaster@reporter.example"
delivery.tls.report.max_delay = "0s"
delivery.dns.servers = ["{dns}"]

[[smtp.listeners]]
listen_addr = "127.0.0.1:0"
"""


def may_listen() -> bool:
    """Whether we may be a web server here."""
    try:
        with socket.create_server(("127.0.1.1", HTTPS)):
            return True
    except PermissionError:
        return False


pytestmark = [
    needs("nsd", "unbound"),
    pytest.mark.skipif(not may_listen() and not os.environ.get("CI"), reason="port 443 is for root"),
]


def server_side(issuer: Issuer, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issuer.cert_file(name), issuer.key_file(name))
    return context


def page(text: str) -> FetchResponse:
    return FetchResponse(200, {"content-type": "text/plain"}, f"version: STSv1\n{text}\n".encode())


@frozen
class Net:
    daemon: Daemon
    hosts: dict[str, TlsHost]
    web: dict[str, trio.CancelScope]
    """By domain: what ends its web server."""
    servers: dict[str, HttpServer]

    def heard(self, address: str) -> set[str]:
        """For which domains a host was told of mail, inside TLS."""
        told = [line for line in self.hosts[address].encrypted if line.startswith("RCPT TO:")]
        return {line.partition("@")[2].partition(".")[0] for line in told}

    async def until(self, address: str, *domains: str) -> None:
        await trio.to_thread.run_sync(wait_until, lambda: set(domains) <= self.heard(address), 20)


async def serve_web(
    server: HttpServer, endpoint: TcpEndpoint, *, task_status: trio.TaskStatus[trio.CancelScope]
) -> None:
    with trio.CancelScope() as scope:
        async with await SystemNetwork().listen(endpoint) as listener:
            task_status.started(scope)
            await server.serve(listener)


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Net]:
    """Everything."""
    issuer, port = Issuer(home), free_port()
    issuer.issue("proven", "mx.proven.example")
    issuer.issue("unproven", "elsewhere.example")
    records, servers = "", dict[str, HttpServer]()
    for number, (domain, (text, address)) in enumerate(DOMAINS.items()):
        issuer.issue(f"web-{domain}", f"mta-sts.{domain}.example")
        path = "/.well-known/mta-sts.txt"
        pages: dict[str, FetchResponse | Silence] = {path: page(text), "/report": FetchResponse(201, {}, b"")}
        servers[domain] = HttpServer(pages, server_side(issuer, f"web-{domain}"))
        records += (
            f"{domain} MX 10 mx.{domain}\nmx.{domain} A {address}\n"
            f'mta-sts.{domain} A 127.0.1.{number + 1}\n_mta-sts.{domain} TXT "v=STSv1; id=1;"\n'
            f'_smtp._tls.{domain} TXT "v=TLSRPTv1; rua=https://mta-sts.{domain}.example/report,mailto:tls'
            f'@{domain}.example"\n'
        )
    hosts = {
        PROVEN: TlsHost(server_side(issuer, "proven")),
        UNPROVEN: TlsHost(server_side(issuer, "unproven")),
    }
    scopes: dict[str, trio.CancelScope] = {}
    with resolver(home / "dns", records) as dns:
        config = home / "empath.toml"
        config.write_text(CONFIG.format(port=port, ca=issuer.ca_file, dns=dns.address))
        async with (
            trio.open_nursery() as nursery,
            await SystemNetwork().listen(TcpEndpoint(PROVEN, port)) as first,
            await SystemNetwork().listen(TcpEndpoint(UNPROVEN, port)) as second,
            serving(hosts[PROVEN], first),
            serving(hosts[UNPROVEN], second),
        ):
            for number, (domain, server) in enumerate(servers.items()):
                endpoint = TcpEndpoint(f"127.0.1.{number + 1}", HTTPS)
                scopes[domain] = await nursery.start(partial(serve_web, server, endpoint))
            daemon = Daemon(home, config)
            await trio.to_thread.run_sync(daemon.start)
            try:
                yield Net(daemon, hosts, scopes, servers)
            finally:
                with trio.move_on_after(60, shield=True):
                    await trio.to_thread.run_sync(daemon.kill)
            nursery.cancel_scope.cancel()


def send(port: int, *domains: str) -> None:
    for domain in domains:
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("ann@example.com", [f"bob@{domain}.example"], "Subject: x\r\n\r\nx\r\n")


async def test_a_daemon_obeys_policies_keeps_them_and_lets_them_go(tmp_path: Path) -> None:
    async with running(tmp_path) as net:
        await trio.to_thread.run_sync(send, net.daemon.port, *DOMAINS)
        await net.until(PROVEN, "proven")
        await net.until(UNPROVEN, "testing")
        await trio.to_thread.run_sync(net.daemon.wait_for_line, "the MTA-STS policy of unlisted.example does not list")
        # What is known holds while the web servers are down, for as long as it says.
        for domain in ("unproven", "short"):
            net.web[domain].cancel()
        await net.until(UNPROVEN, "short")
        # A restart forgets nothing.
        await trio.to_thread.run_sync(net.daemon.stop)
        await trio.to_thread.run_sync(net.daemon.start)
        await trio.to_thread.run_sync(send, net.daemon.port, "unproven", "testing")
        await trio.sleep(3)
        assert net.heard(PROVEN) == {"proven"}
        assert net.heard(UNPROVEN) == {"testing", "short"}
        for host in net.hosts.values():
            assert host.heard_of_the_envelope == []


async def test_a_day_that_is_over_is_reported_by_mail_and_over_https_and_once(tmp_path: Path) -> None:
    tally = DayTally(10)
    tally.add("proven.example", NO_POLICY, None)
    counted = tmp_path / "spool" / "tls-reports"
    counted.mkdir(parents=True)
    (counted / f"{int(time.time() // 86_400) - 1}.json").write_bytes(msgspec.json.encode(tally.domains))
    async with running(tmp_path) as net:
        await net.until(PROVEN, "proven")
        server = net.servers["proven"]
        await trio.to_thread.run_sync(wait_until, lambda: bool(server.posted))
        for _ in range(2):
            await trio.to_thread.run_sync(net.daemon.stop)
            await trio.to_thread.run_sync(net.daemon.start)
            await trio.sleep(0.5)
        (posted,) = server.posted
        assert (posted.url, posted.headers["content-type"]) == ("/report", "application/tlsrpt+gzip")
        report = json.loads(gzip.decompress(posted.body))
        assert report["contact-info"] == "postmaster@reporter.example"
        assert report["policies"][0]["summary"]["total-successful-session-count"] == 1
        said = [line for line in net.hosts[PROVEN].encrypted if line.startswith(("MAIL", "RCPT"))]
        assert [line.partition(" ")[0] for line in said] == ["MAIL", "RCPT"]
        assert said[0].startswith("MAIL FROM:<>")
        assert said[1].startswith("RCPT TO:<tls@proven.example>")
        assert list((counted / "outbox").iterdir()) == []
