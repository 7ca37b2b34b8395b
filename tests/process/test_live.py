"""The live websocket of a running daemon, watched by clients that are not ours, and by those that must not."""

import json
import re
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect
from websockets.typing import Subprotocol

from tests.process.control import ctl, said
from tests.process.daemon import Daemon, empath

LIVE = [Subprotocol("empath.live.v1")]
CODE = re.compile(r"dashboard http://\S+/#login=(\S+)")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A sandbox with one token."""
    home = tmp_path_factory.mktemp("live")
    with Daemon(home, more={"EMPATH_API__TOKENS_FILE": f"{home}/tokens"}) as daemon:
        yield daemon
        assert daemon.stop() == 0


def asked(daemon: Daemon, method: str, path: str, content: object = None, **fields: str) -> tuple[int, Any, str]:
    """Ask over TCP as a browser does. Returns status, content and the cookie that is set."""
    connection = HTTPConnection(daemon.http, timeout=60)
    body = None if content is None else json.dumps(content)
    connection.request(method, f"/api/v1{path}", body, {name.replace("_", "-"): text for name, text in fields.items()})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read()), (answer.headers["Set-Cookie"] or "").partition(";")[0]
    connection.close()
    return found


def logged_in(daemon: Daemon) -> str:
    """The cookie of a new session."""
    code = json.loads(ctl(daemon.home, "login-code", "--json").stdout)["code"]
    status, session, cookie = asked(daemon, "POST", "/login", {"code": code}, Origin=f"http://{daemon.http}")
    assert (status, session["scopes"]) == (200, ["read", "content", "inject", "operate"])
    return cookie


def opened(daemon: Daemon, path: str = "", **fields: str) -> ClientConnection:
    """A websocket over TCP."""
    origin = fields.pop("Origin", None)
    return connect(
        f"ws://{daemon.http}/api/v1/live{path}",
        subprotocols=LIVE,
        origin=origin,  # type: ignore[arg-type]  # it is a kind of str of that library
        additional_headers=fields,
        compression=None,
    )


def refusal(daemon: Daemon, path: str = "", **fields: str) -> tuple[int, str]:
    """The status and the code with which a websocket is refused."""
    with pytest.raises(InvalidStatus) as refused, opened(daemon, path, **fields):
        pass
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"")["code"]


def test_a_browser_logs_in_with_the_code_of_the_sandbox_and_watches(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.wait_for_line("#login=")
        (code,) = CODE.findall(daemon.log)
        origin = f"http://{daemon.http}"
        status, session, cookie = asked(daemon, "POST", "/login", {"code": code}, Origin=origin)
        assert (status, session["name"]) == (200, "sandbox")
        assert asked(daemon, "POST", "/login", {"code": code}, Origin=origin)[1]["code"] == "API015"
        assert asked(daemon, "GET", "/session", Cookie=cookie)[1]["name"] == "sandbox"
        with opened(daemon, Origin=origin, Cookie=cookie) as viewer:
            assert json.loads(viewer.recv(5))["t"] == "hello"
            viewer.send('{"op":"sub","id":1,"topic":"events","filter":{"type":"attempt"}}')
            viewer.send('{"op":"sub","id":2,"topic":"stats"}')
            assert json.loads(viewer.recv(5))["t"] == "snap"
            assert empath("send", "--to", "ann@example.org", "--server", daemon.address, home=tmp_path).status == 0
            events: list[dict[str, Any]] = []
            while not events:
                frame = json.loads(viewer.recv(5))
                events += frame["data"] if frame["t"] == "event" else []
            assert [(one["recipients"], one["outcome"]) for one in events] == [(["ann@example.org"], "delivered")]
            viewer.ping().wait(5)
        assert asked(daemon, "DELETE", "/session", Cookie=cookie, Origin=origin)[0] == 200
        assert asked(daemon, "GET", "/session", Cookie=cookie)[1]["code"] == "API001"


def test_who_is_not_known_or_comes_from_elsewhere_sees_nothing(sandbox: Daemon) -> None:
    own, cookie = f"http://{sandbox.http}", logged_in(sandbox)
    assert refusal(sandbox) == (403, "API003")
    assert refusal(sandbox, Origin=own) == (401, "API001")
    assert refusal(sandbox, Authorization="Bearer empath_nonsense") == (401, "API001")
    assert refusal(sandbox, Origin="http://evil.example", Cookie=cookie) == (403, "API003")
    assert refusal(sandbox, Cookie=cookie) == (403, "API003")
    assert refusal(sandbox, "?ticket=nonsense", Origin=own) == (401, "API001")
    assert asked(sandbox, "GET", "/live", Host="evil.example", Cookie=cookie)[:1] == (421,)
    assert asked(sandbox, "POST", "/live/tickets", {}, Cookie=cookie)[1]["code"] == "API003"
    assert asked(sandbox, "POST", "/login", {"code": "X"}, Origin="http://evil.example")[1]["code"] == "API003"
    assert asked(sandbox, "GET", "/live", Cookie=cookie, Origin=own)[1]["code"] == "LIVE001"


def test_a_ticket_opens_one_websocket(sandbox: Daemon) -> None:
    own, cookie = f"http://{sandbox.http}", logged_in(sandbox)
    status, found, _ = asked(sandbox, "POST", "/live/tickets", {}, Cookie=cookie, Origin=own)
    assert (status, found["expires_in_s"]) == (200, 30.0)
    with opened(sandbox, f"?ticket={found['ticket']}", Origin=own) as viewer:
        assert "operate" in json.loads(viewer.recv(5))["scopes"]
    assert refusal(sandbox, f"?ticket={found['ticket']}", Origin=own) == (401, "API001")


def test_a_ticket_ends_after_a_while(tmp_path: Path) -> None:
    with Daemon(tmp_path, more={"EMPATH_API__LIVE__TICKET_TIME": "1ms", "EMPATH_API__SESSION_TIME": "1s"}) as daemon:
        own, cookie = f"http://{daemon.http}", logged_in(daemon)
        ticket = asked(daemon, "POST", "/live/tickets", {}, Cookie=cookie, Origin=own)[1]["ticket"]
        assert refusal(daemon, f"?ticket={ticket}", Origin=own) == (401, "API001")
        with opened(daemon, Origin=own, Cookie=cookie) as viewer:
            viewer.recv(5)
            with pytest.raises(ConnectionClosed) as ended:
                viewer.recv(10)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 4401


def test_a_token_watches_until_it_is_taken_out(sandbox: Daemon) -> None:
    made = empath("token", "new", "watcher", "--scope", "read", home=sandbox.home, more=sandbox.more)
    (token,) = re.findall(r"empath_\S+", made.stdout)
    with opened(sandbox, Authorization=f"Bearer {token}") as viewer:
        assert json.loads(viewer.recv(5))["scopes"] == ["read"]
        (sandbox.home / "tokens").write_text("")
        with pytest.raises(ConnectionClosed) as ended:
            viewer.recv(15)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4401


def test_a_frame_that_is_too_large_is_refused(sandbox: Daemon) -> None:
    with unix_connect(f"{sandbox.home}/control.sock", "ws://localhost/api/v1/live", subprotocols=LIVE) as viewer:
        assert json.loads(viewer.recv(5))["t"] == "hello"
        viewer.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as ended:
            viewer.recv(5)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1009


def test_there_are_only_so_many_viewers(tmp_path: Path) -> None:
    with Daemon(tmp_path, more={"EMPATH_API__LIVE__MAX_VIEWERS": "1"}) as daemon:
        own, cookie = f"http://{daemon.http}", logged_in(daemon)
        with opened(daemon, Origin=own, Cookie=cookie) as viewer:
            viewer.recv(5)
            assert refusal(daemon, Origin=own, Cookie=cookie) == (503, "LIVE002")
        for _ in range(50):  # the place is free as soon as the daemon has seen the end of that one
            try:
                with opened(daemon, Origin=own, Cookie=cookie):
                    break
            except InvalidStatus:
                time.sleep(0.1)
        else:
            pytest.fail("the place was never free again")


def test_the_end_of_the_daemon_is_told(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        with unix_connect(f"{tmp_path}/control.sock", "ws://localhost/api/v1/live", subprotocols=LIVE) as viewer:
            viewer.recv(5)
            daemon.signal(signal.SIGTERM)
            assert json.loads(viewer.recv(10)) == {"t": "bye", "reason": "restart", "retry_after": 3.0}
            with pytest.raises(ConnectionClosed) as ended:
                viewer.recv(5)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1012
        assert daemon.wait() == 0


def test_commands_show_what_happens(sandbox: Daemon) -> None:
    home = sandbox.home
    assert empath("send", "--to", "bob@example.org", "--server", sandbox.address, home=home).status == 0
    time.sleep(0.5)
    assert "delivered" in said(home, "events", "--outcome", "delivered")
    assert "bob@example.org" in said(home, "events", "--domain", "example.org", "--jsonl")
    assert "http://127.0.0.1:" in said(home, "login-code", "--scope", "read")
