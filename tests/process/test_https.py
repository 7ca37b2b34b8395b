"""The API over TLS, with clients that are not ours, and with ours; and who may come in at all."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import pytest
import trustme
from attrs import define, field
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from empath.cli.ctl.connection import Where
from empath.cli.ctl.feed import Feed, watch
from tests.process.control import ctl
from tests.process.daemon import Daemon, empath, live

PATIENCE_S = 60.0


@define
class Site:
    """A daemon with a certificate, and an authority that vouches for it."""

    home: Path
    daemon: Daemon = field(init=False)
    tokens: dict[str, str] = field(factory=dict)
    authority: trustme.CA = field(init=False, factory=trustme.CA)

    @property
    def trust(self) -> Path:
        return self.home / "ca.pem"

    def issue(self) -> None:
        """Put another certificate in the place of that which is there."""
        made = self.authority.issue_cert("localhost", "127.0.0.1")
        made.private_key_pem.write_to_path(str(self.home / "key.pem"))
        made.cert_chain_pems[0].write_to_path(str(self.home / "cert.pem"))
        self.authority.cert_pem.write_to_path(str(self.trust))

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def get(self, path: str, **fields: str) -> tuple[int, bytes]:
        connection = HTTPSConnection(self.daemon.http, timeout=30, context=self.context)
        try:
            connection.request("GET", path, headers=fields)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def shown(self) -> bytes:
        """The certificate that a new client is shown."""
        host, _, port = self.daemon.http.partition(":")
        with (
            socket.create_connection((host, int(port)), timeout=30) as plain,
            self.context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests."""
    site = Site(tmp_path_factory.mktemp("https"))
    site.issue()
    for name, scopes in (("reader", "read"), ("boss", "admin"), ("lost", "read")):
        made = empath("token", "new", name, "--scope", scopes, "--file", f"{site.home}/tokens", home=site.home)
        site.tokens[name] = made.stdout.strip()
        (site.home / f"{name}.token").write_text(made.stdout)
    more = {
        "EMPATH_API__TOKENS_FILE": f"{site.home}/tokens",
        "EMPATH_API__TLS__CERT_FILE": f"{site.home}/cert.pem",
        "EMPATH_API__TLS__KEY_FILE": f"{site.home}/key.pem",
        "SSL_CERT_FILE": str(site.trust),
    }
    with Daemon(site.home, more=more) as site.daemon:
        yield site
        assert site.daemon.stop() == 0


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait, as long as it may take on a busy machine."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_all_that_shares_the_address_of_the_api_is_served_over_tls(site: Site) -> None:
    assert site.get("/health") == (200, b'{"status":"ok"}')
    assert site.get("/metrics")[0] == 200
    bearer = {"Authorization": f"Bearer {site.tokens['reader']}"}
    status, body = site.get("/api/v1/status", **bearer)
    assert (status, json.loads(body)["https"]) == (200, ["api", "health", "metrics"])
    assert site.get("/api/v1/status")[0] == 401
    site.daemon.wait_for_line("dashboard https://")


def test_in_clear_nothing_is_answered(site: Site) -> None:
    connection = HTTPConnection(site.daemon.http, timeout=30)
    connection.request("GET", "/health")
    with pytest.raises((HTTPException, OSError)):
        connection.getresponse()
    connection.close()


def test_an_independent_client_watches_over_tls_and_only_with_a_token(site: Site) -> None:
    url, live_protocol = f"wss://{site.daemon.http}/api/v1/live", [Subprotocol("empath.live.v1")]
    unknown, fields = ({"Authorization": f"Bearer {token}"} for token in ("empath_x", site.tokens["reader"]))
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(url, ssl=site.context, subprotocols=live_protocol, additional_headers=unknown),
    ):
        pass
    assert refused.value.response.status_code == 401
    with connect(url, ssl=site.context, subprotocols=live_protocol, additional_headers=fields) as socket_:
        assert json.loads(socket_.recv(timeout=PATIENCE_S))["t"] == "hello"


def test_empathctl_reads_and_watches_over_tls(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.trust))
    there = ("--url", f"https://{site.daemon.http}", "--token-file", f"{site.home}/boss.token")
    done = ctl(site.home, *there, "status", "--json")
    assert (done.status, json.loads(done.stdout)["ready"]) == (0, True)
    assert ctl(site.home, *there, "login-code").stdout.startswith(f"https://{site.daemon.http}/#login=")
    frames = list[dict[str, object]]()

    async def talk(feed: Feed) -> None:
        frames.append(await feed.frame())

    watch(Where(url=there[1], token_file=Path(there[3])).client(), talk)
    assert frames[0]["t"] == "hello"


def test_empathctl_does_not_talk_with_a_server_that_it_does_not_trust(site: Site) -> None:
    done = ctl(site.home, "--url", f"https://{site.daemon.http}", "--token-file", f"{site.home}/boss.token", "status")
    assert done.status == os.EX_UNAVAILABLE
    assert "SSL_CERT_FILE" in done.stderr


def test_a_certificate_that_was_renewed_is_shown_once_the_configuration_is_reloaded(site: Site) -> None:
    before = site.shown()
    site.issue()
    assert site.shown() == before
    assert ctl(site.home, "config", "reload").status == 0
    wait_until(lambda: site.shown() != before)
    after = site.shown()
    (site.home / "cert.pem").write_text("no certificate")
    assert ctl(site.home, "config", "reload").status == 0
    site.daemon.wait_for_line("the certificate before it")
    assert site.shown() == after
    site.issue()


def test_tokens_are_listed_and_revoked_while_the_file_keeps_the_rest(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.trust))
    path = site.home / "tokens"
    path.write_text("# ours\n" + path.read_text())
    path.chmod(0o640)
    rows = ctl(site.home, "tokens", "list").stdout.splitlines()
    assert rows == ["reader\tread", "boss\tadmin", "lost\tread"]
    bearer = {"Authorization": f"Bearer {site.tokens['lost']}"}
    assert site.get("/api/v1/status", **bearer)[0] == 200
    assert ctl(site.home, "tokens", "revoke", "lost").stdout == "lost is known no longer\n"
    assert site.get("/api/v1/status", **bearer)[0] == 401
    lines = path.read_text().splitlines()
    assert [line.split()[:1] for line in lines] == [["#"], ["reader"], ["boss"]]
    assert path.stat().st_mode & 0o777 == 0o640
    unknown = ctl(site.home, "tokens", "revoke", "nobody")
    assert "TOK003" in unknown.stderr
    assert unknown.status != 0
    reader = ("--url", f"https://{site.daemon.http}", "--token-file", f"{site.home}/reader.token")
    assert ctl(site.home, *reader, "tokens", "list").status == os.EX_NOPERM


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ('api.tokens_file = "/dev/null"', "api.tls names no certificate"),
        ("api.allow_insecure_http = true", "there are no tokens"),
    ],
)
def test_a_daemon_does_not_serve_other_machines_in_clear_or_without_tokens(
    settings: str, why: str, tmp_path: Path
) -> None:
    config = live(tmp_path, next_hop="127.0.0.1:25", settings=f'api.listen_addr = "0.0.0.0:0"\n{settings}')
    more = {"EMPATH_API__LISTEN_ADDR": "0.0.0.0:0"}
    done = empath("serve", "--config", str(config), home=tmp_path, more=more)
    assert done.status == os.EX_CONFIG
    assert why in done.stderr
