"""The API of a whole worker: what an operator sees and does is what happens."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import trio
from attrs import evolve, frozen
from openapi_spec_validator import validate

from empath.config.schema import ApiSettings, DeliverySettings, TlsSettings
from empath.mail import Phase, Status
from empath.mail.facts import MessageAccepted
from empath.mail.operator_facts import OperatorActed
from empath.ops.api import PREFIX
from empath.sim.remote import Rule
from empath.smtp import Reply
from empath.world import TcpEndpoint, UnixEndpoint
from tests.sim.stage import ENTRANCE, SENDER, Stage, config_with, simulated

SOCKET = UnixEndpoint("/run/empath/control.sock")
STEERED = evolve(
    config_with(),
    api=ApiSettings(
        listen_addr=TcpEndpoint(ENTRANCE.host, 8080), control_socket=Path(SOCKET.path), undo_window_s=600.0
    ),
)
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "4.7.1 greylisted", "4.7.1"), times=1000)


@frozen
class Answered:
    """What the API has answered."""

    status: int
    content: Any


async def ask(
    stage: Stage, method: str, path: str, content: object = None, *, fields: Mapping[str, str] | None = None
) -> Answered:
    """Ask over the control socket, from the machine of the worker."""
    body = content if isinstance(content, bytes) else b"" if content is None else msgspec.json.encode(content)
    head = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **(fields or {})}
    lines = [f"{method} {PREFIX}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    async with await stage.simulation.world.network.connect(SOCKET) as stream:
        await stream.send_all("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while part := await stream.receive_some(65_536):
            answer += bytes(part)
    top, _, rest = answer.partition(b"\r\n\r\n")
    return Answered(int(top.split(b" ", 2)[1]), msgspec.json.decode(rest))


async def settle(stage: Stage, job: Answered) -> Any:
    """Wait until a job is over, or can only wait."""
    found = job
    while found.content["state"] == "running":
        await trio.sleep(0.1)
        found = await ask(stage, "GET", f"/jobs/{job.content['id']}")
    return found.content


def message(*recipients: str, **more: object) -> dict[str, object]:
    return {"from": SENDER, "to": recipients, "subject": "Hello", "text": "Hello, é\n.\n", **more}


@simulated
async def test_a_message_that_is_handed_in_is_delivered_and_the_first_outcome_can_be_waited_for() -> None:
    stage = Stage(1, STEERED)
    site = stage.site("well.example")
    async with stage.play():
        answer = await ask(stage, "POST", "/messages?wait=10s", message("bob@well.example"))
        assert (answer.status, answer.content["deliveries"]) == (202, 1)
        (outcome,) = answer.content["outcomes"]
        assert (outcome["recipient"], outcome["outcome"]) == ("bob@well.example", "delivered")
    (taken,) = site.taken
    assert b"Subject: Hello\r\n" in taken.content
    assert b"with HTTP id " + answer.content["mid"].encode() in taken.content
    assert taken.content.endswith("Hello, é\r\n.\r\n".encode())


@simulated
async def test_a_whole_message_keeps_its_header_and_gets_what_is_missing() -> None:
    stage = Stage(1, STEERED)
    site = stage.site("well.example")
    async with stage.play():
        path = f"/messages?from={SENDER}&to=bob@well.example&to=ann@well.example&wait=10s"
        content, fields = b"Subject: x\nX-Mine: 1\n\nline\n", {"Content-Type": "message/rfc822"}
        answer = await ask(stage, "POST", path, content, fields=fields)
        assert (answer.status, len(answer.content["outcomes"])) == (202, 2)
    assert b"X-Mine: 1\r\n" in site.taken[0].content
    assert b"Message-ID: <" in site.taken[0].content


@simulated
async def test_a_message_that_is_handed_in_may_say_that_tls_is_optional() -> None:
    """RFC 8689 3."""
    for heeded in (True, False):
        delivery = DeliverySettings(tls=TlsSettings(tls_required_header=heeded))
        stage = Stage(1, evolve(STEERED, delivery=delivery))
        stage.site("well.example")
        async with stage.play():
            path, fields = f"/messages?from={SENDER}&to=bob@well.example", {"Content-Type": "message/rfc822"}
            assert (await ask(stage, "POST", path, b"TLS-Required: No\n\nx\n", fields=fields)).status == 202
            await trio.sleep(1)
        (accepted,) = [fact for fact in stage.facts if isinstance(fact, MessageAccepted)]
        assert accepted.envelope.tls_optional is heeded


@simulated
async def test_the_same_key_takes_a_message_once() -> None:
    stage = Stage(1, STEERED)
    site = stage.site("well.example")
    async with stage.play():
        fields = {"Idempotency-Key": "order-7"}
        first = await ask(stage, "POST", "/messages", message("bob@well.example"), fields=fields)
        again = await ask(stage, "POST", "/messages", message("bob@well.example"), fields=fields)
        assert (first.status, again.status) == (202, 202)
        assert first.content["mid"] == again.content["mid"]
        await trio.sleep(60)
    assert len(site.taken) == 1


@simulated
async def test_what_cannot_be_sent_is_refused_and_nothing_is_kept() -> None:
    stage = Stage(1, STEERED)
    async with stage.play():
        for said in (
            message("no address"),
            message(),
            message("bob@well.example", content="Subject: y\n\n", text="both"),
            {**message("bob@well.example"), "from": "a@b.example\r\nBcc: x@y.example"},
            message("bob@well.example", text="a\rb"),
        ):
            answer = await ask(stage, "POST", "/messages", said)
            assert (answer.status, answer.content["code"]) in {(422, "MSG002"), (422, "API009")}
        assert (await ask(stage, "GET", "/queue")).content["messages"] == 0


@simulated
async def test_what_waits_is_listed_explained_and_counted() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "ann@ill.example")
        await trio.sleep(10)
        listed = (await ask(stage, "GET", "/messages?domain=ill.example&reply=451*")).content
        (row,) = listed["deliveries"]
        assert (row["status"], row["wait"], row["attempts"]) == ("retry", "retry_backoff", 1)
        assert (row["sender"], row["recipient"]) == (SENDER, "ann@ill.example")
        explained = (await ask(stage, "GET", f"/messages/{row['mid']}/explain")).content
        (story,) = explained["deliveries"]
        assert (story["wait"]["reason"], story["lane"]) == ("retry_backoff", "ill.example")
        assert any(action.startswith("empathctl queue retry") for action in story["actions"])
        assert (await ask(stage, "GET", "/queue")).content["retry"] == 1
        shape = (await ask(stage, "GET", "/queue/shape")).content
        assert [(one["lane"], one["total"]) for one in shape["rows"]] == [("ill.example", 1)]
        lanes = (await ask(stage, "GET", "/lanes")).content["lanes"]
        assert [lane["lane"] for lane in lanes] == ["ill.example"]
        assert "greylisted" in lanes[0]["last_reply"]
        assert (await ask(stage, "GET", "/messages?domain=well.example")).content["deliveries"] == []


@simulated
async def test_pages_are_gone_through_by_their_cursors() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", LATER)
    async with stage.play():
        for number in range(5):
            await stage.send(f"m{number}", f"ann{number}@ill.example")
        await trio.sleep(10)
        found, cursor = list[str](), ""
        while True:
            page = (await ask(stage, "GET", f"/messages?limit=2{cursor}")).content
            found += [one["recipient"] for one in page["deliveries"]]
            if page["cursor"] is None:
                break
            cursor = f"&cursor={page['cursor']}"
        assert found == [f"ann{number}@ill.example" for number in range(5)]
        assert (await ask(stage, "GET", "/messages?cursor=nonsense")).status == 422


@simulated
async def test_a_message_is_held_released_retried_deleted_and_brought_back() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "ann@ill.example")
        await trio.sleep(10)
        mid = (await ask(stage, "GET", "/messages")).content["deliveries"][0]["mid"]

        async def status() -> str:
            (one,) = (await ask(stage, "GET", f"/messages/{mid}")).content["deliveries"]
            return "deleted" if one["deleted"] else str(one["status"])

        held = await ask(stage, "POST", f"/messages/{mid}/hold", {"reason": "look\r\nat it"})
        assert (held.status, held.content["done"], await status()) == (200, 1, "held")
        assert (await ask(stage, "POST", f"/messages/{mid}/hold", {})).status == 409
        assert (await ask(stage, "DELETE", f"/messages/{mid}")).content["done"] == 1
        assert await status() == "deleted"
        assert (await ask(stage, "POST", f"/messages/{mid}/undelete", {})).content["done"] == 1
        assert await status() == "held"
        assert (await ask(stage, "POST", f"/messages/{mid}/release", {})).content["done"] == 1
        await trio.sleep(30)
        before = len(stage.attempts("ill.example"))
        assert (await ask(stage, "POST", f"/messages/{mid}/retry", {})).content["done"] == 1
        await trio.sleep(1)
        assert len(stage.attempts("ill.example")) == before + 1
        assert (await ask(stage, "GET", "/messages/6911c5b5-2a")).status == 404
        assert (await ask(stage, "GET", "/messages/nonsense")).status == 404
    acted = [fact for fact in stage.facts if isinstance(fact, OperatorActed)]
    assert [fact.verb for fact in acted] == ["hold", "delete", "undelete", "release", "retry"]
    assert (acted[0].by.partition(":")[0], acted[0].why, acted[0].count) == ("unix", "look  at it", 1)


@simulated
async def test_nothing_is_done_to_a_selection_that_is_empty() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "ann@ill.example")
        await trio.sleep(10)
        actions: tuple[dict[str, object], ...] = ({}, {"selector": {}}, {"dry_run": True}, {"all": True})
        for action in actions:
            refused = await ask(stage, "POST", "/actions", {"verb": "delete", **action})
            assert (refused.status, refused.content["code"]) == (422, "SEL001")
        wrong = await ask(stage, "POST", "/actions", {"verb": "delete", "all": True, "expect": 2})
        assert (wrong.status, wrong.content["code"]) == (409, "SEL003")
        for selector in ({"status": ["fine"]}, {"older_than": "7 parsecs"}, {"id": ["x"]}, {"wait": ["lunch"]}):
            refused = await ask(stage, "POST", "/actions", {"verb": "delete", "selector": selector})
            assert (refused.status, refused.content["code"]) == (422, "SEL002")
        assert (await ask(stage, "GET", "/queue")).content["messages"] == 1
        right = await ask(stage, "POST", "/actions", {"verb": "delete", "all": True, "expect": 1})
        assert (await settle(stage, right))["count"] == 1


@simulated
async def test_a_job_tells_exactly_what_it_did_and_can_be_undone_for_a_while() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", LATER)
    stage.site("bad.example", LATER)
    async with stage.play():
        for number in range(7):
            await stage.send(f"m{number}", f"ann{number}@ill.example", f"bob{number}@bad.example")
        await trio.sleep(10)
        action = {"verb": "delete", "selector": {"domain": ["ill.example"]}, "reason": "wrong list"}
        survey = (await ask(stage, "POST", "/actions", {**action, "dry_run": True})).content
        assert (survey["state"], survey["count"], survey["senders"]) == ("dry_run", 7, 1)
        assert survey["domains"] == [{"name": "ill.example", "deliveries": 7}]
        job = await settle(stage, await ask(stage, "POST", "/actions", action))
        assert (job["state"], job["count"], job["skipped"]) == ("done", 7, 0)
        assert (await ask(stage, "GET", "/queue")).content["deleted"] == 7
        undone = await ask(stage, "POST", f"/jobs/{job['id']}/undo")
        assert (undone.status, undone.content["state"]) == (200, "undone")
        stats = (await ask(stage, "GET", "/queue")).content
        assert (stats["deleted"], stats["retry"]) == (0, 14)
        assert (await ask(stage, "POST", f"/jobs/{job['id']}/undo")).status == 409
        late = await settle(stage, await ask(stage, "POST", "/actions", action))
        await trio.sleep(601)
        assert (await ask(stage, "POST", f"/jobs/{late['id']}/undo")).content["code"] == "JOB002"
        assert (await ask(stage, "GET", "/jobs/99")).status == 404


@simulated
async def test_a_bounce_can_be_undone_until_its_reports_leave() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "ann@ill.example")
        await stage.send("m2", "bob@ill.example")
        await trio.sleep(10)
        action = {"verb": "bounce", "selector": {"recipient": "ann@ill.example"}, "reason": "bad send"}
        first = await settle(stage, await ask(stage, "POST", "/actions", action))
        assert (first["state"], first["count"]) == ("waiting", 1)
        assert (await ask(stage, "GET", "/queue")).content["held"] == 1
        await ask(stage, "POST", f"/jobs/{first['id']}/undo")
        assert (await ask(stage, "GET", "/queue")).content["held"] == 0
        second = await settle(stage, await ask(stage, "POST", "/actions", action))
        await trio.sleep(700)
        job = (await ask(stage, "GET", f"/jobs/{second['id']}")).content
        assert (job["state"], job["count"], job["undo_until"]) == ("done", 1, None)
        assert (await ask(stage, "GET", "/queue")).content["failed"] == 1
    (report,) = stage.reports
    assert b"bad send" in report.content
    assert Status.FAILED in {one.status for one in stage.ended}


@simulated
async def test_suspensions_limits_breakers_and_freezes_are_made_shown_and_ended() -> None:
    stage = Stage(1, STEERED)
    site = stage.site("well.example")
    async with stage.play():
        suspended = await ask(stage, "POST", "/suspensions", {"domain": "well.example", "for": "2h", "reason": "asked"})
        assert (suspended.status, suspended.content["kind"]) == (201, "suspension")
        await stage.send("m1", "bob@well.example")
        await trio.sleep(60)
        assert site.taken == []
        mid = (await ask(stage, "GET", "/messages")).content["deliveries"][0]["mid"]
        wait = (await ask(stage, "GET", f"/explain?about={mid}")).content["deliveries"][0]["wait"]
        assert wait["reason"] == "suspended"
        assert "asked" in wait["detail"]
        assert [rule["id"] for rule in (await ask(stage, "GET", "/suspensions")).content["rules"]] == ["sd-1"]
        assert (await ask(stage, "DELETE", "/suspensions/sd-1")).status == 200
        assert (await ask(stage, "DELETE", "/suspensions/sd-1")).status == 404
        await trio.sleep(60)
        assert len(site.taken) == 1
        overlay = await ask(stage, "POST", "/overlays", {"domain": "well.example", "rate": "60/min", "connections": 1})
        assert (overlay.content["rate_per_s"], overlay.content["connections"]) == (1.0, 1)
        assert (await ask(stage, "POST", "/overlays", {"domain": "well.example"})).status == 422
        assert (await ask(stage, "POST", "/suspensions", {"reason": "everything?"})).status == 422
        assert (await ask(stage, "POST", "/suspensions", {"lane": "x", "for": "soon"})).content["code"] == "LAN002"
        assert (await ask(stage, "PUT", "/breakers/well.example", {"for": "1h"})).content["kind"] == "breaker"
        assert (await ask(stage, "DELETE", "/breakers/well.example")).content["changed"] is True
        assert (await ask(stage, "PUT", "/queue/freeze", {"reason": "storm"})).content["kind"] == "freeze"
        assert (await ask(stage, "GET", "/status")).content["frozen"] is True
        assert (await ask(stage, "DELETE", "/queue/freeze")).content["changed"] is True
        assert (await ask(stage, "GET", "/status")).content["frozen"] is False


@simulated
async def test_an_address_is_explained_without_a_message() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    async with stage.play():
        found = (await ask(stage, "GET", "/explain?about=bob@well.example")).content
        assert (found["about"], found["way"]["lane"]) == ("address", "well.example")
        assert [stop["host"] for stop in found["way"]["stops"]] == ["mx1.well.example"]
        assert (await ask(stage, "GET", "/explain?about=well.example")).content["about"] == "lane"


@simulated
async def test_the_daemon_ends_when_it_is_told_to() -> None:
    stage = Stage(1, STEERED)
    async with stage.internet() as nursery:
        run = await stage.start(nursery)
        status = (await ask(stage, "GET", "/status")).content
        assert (status["state"], status["ready"], status["mode"]) == ("running", True, "live")
        assert (await ask(stage, "POST", "/stop")).status == 202
        await run.over.wait()


@simulated
async def test_a_message_beyond_the_limit_is_refused_however_it_comes() -> None:
    settings = evolve(STEERED.api, max_message_size_bytes=70_000)
    stage = Stage(1, evolve(STEERED, api=settings))
    stage.site("well.example")
    path, fields = f"/messages?from={SENDER}&to=bob@well.example", {"Content-Type": "message/rfc822"}
    async with stage.play():
        refused = await ask(stage, "POST", path, b"Subject: x\n\n" + 1000 * (70 * b"x" + b"\n"), fields=fields)
        assert (refused.status, refused.content["code"]) == (413, "API011")
        assert (await ask(stage, "GET", "/queue")).content["messages"] == 0
        taken = await ask(stage, "POST", path, b"Subject: x\n\n" + 900 * (70 * b"x" + b"\n"), fields=fields)
        assert taken.status == 202


@simulated
async def test_no_more_jobs_begin_than_may_be_remembered() -> None:
    stage = Stage(1, evolve(STEERED, api=evolve(STEERED.api, max_jobs=1)))
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "ann@ill.example")
        await trio.sleep(10)
        mid = (await ask(stage, "GET", "/messages")).content["deliveries"][0]["mid"]
        first = await settle(stage, await ask(stage, "POST", f"/messages/{mid}/bounce", {}))
        assert first["state"] == "waiting"
        refused = await ask(stage, "POST", f"/messages/{mid}/bounce", {})
        assert (refused.status, refused.content["code"]) == (503, "MSG003")
        await ask(stage, "POST", f"/jobs/{first['id']}/undo")
        assert (await ask(stage, "POST", f"/messages/{mid}/bounce", {})).status == 202
        assert [job["id"] for job in (await ask(stage, "GET", "/jobs")).content["jobs"]] == [2]


@simulated
async def test_what_dns_says_and_what_configuration_says_are_shown() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example", hosts=2)
    async with stage.play():
        found = (await ask(stage, "GET", "/dns/lookup?domain=Well.example.")).content
        assert [(host["host"], len(host["addresses"])) for host in found["hosts"]] == [
            ("mx1.well.example", 1),
            ("mx2.well.example", 1),
        ]
        assert (await ask(stage, "GET", "/dns/lookup?domain=no.example")).content["trouble"]
        assert (await ask(stage, "GET", "/dns/cache")).content["entries"] == []
        assert (await ask(stage, "GET", "/dns/overrides")).content["overrides"] == []
        shown = (await ask(stage, "GET", "/config")).content["settings"]
        (socket_key,) = [one for one in shown if one["key"] == "api.undo_window"]
        assert (socket_key["value"], socket_key["default"], socket_key["is_default"]) == ('"10m"', '"30m"', False)


@simulated
async def test_the_page_has_every_request_with_its_scope() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.rst").read_text()
    stage = Stage(1, STEERED)
    async with stage.play():
        document = (await ask(stage, "GET", "/openapi.json")).content
    routes = {
        (f"{method.upper()} {path}", operation.get("x-scope", "none"))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(re.findall(r"(?m)^``([A-Z]+ /\S+)`` +(\w+)  ", page)) == routes
    validate(document)
