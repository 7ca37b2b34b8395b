"""The audit log of a whole worker: every event is written by what it is about, and the past can be asked for."""

from pathlib import PurePosixPath
from typing import Any

import msgspec
import trio
from attrs import evolve

from empath.config.schema import AuditSettings, DeliverySettings, OnFull, Redaction
from empath.mail import Phase
from empath.ops.audit.proof import Proof
from empath.ops.audit.redaction import KEY_BYTES
from empath.policy.reception.access import Pattern
from empath.sim.disk import Trouble
from empath.sim.remote import Rule
from empath.smtp import Reply
from empath.world import Disk
from tests.sim.stage import DAY_S, SENDER, Stage, simulated
from tests.sim.test_api import LATER, SOCKET, STEERED, ask, settle

HOUR_S = 3600.0
LOG = PurePosixPath("/var/log/empath")
AUDITED = evolve(
    STEERED,
    audit=AuditSettings(hash_chain=True),
    delivery=DeliverySettings(max_age_s=HOUR_S),
    relay=evolve(STEERED.relay, deny_senders=(Pattern.parse("denied.example"),)),
)
UNKNOWN = Rule(phase=Phase.RCPT, reaction=Reply(550, "<zoe@well.example> unknown", "5.1.1"), times=1)


async def records(disk: Disk, spool: PurePosixPath) -> list[Any]:
    """All that stands in the log; the key is what proves it."""
    found = list[Any]()
    async with await disk.open(spool / "audit.key") as file:
        proof = Proof(key=await file.read(KEY_BYTES))
    for name in await disk.list(LOG):
        if name.endswith(".jsonl"):
            async with await disk.open(LOG / name) as file:
                lines = (await file.read(10_000_000)).splitlines()
            proof.begin(name)
            for line in lines:
                proof.take(line)
            found += map(msgspec.json.decode, filter(None, lines))
    proof.end()
    assert proof.findings == []
    assert proof.chained == len(found)
    return found


@simulated
async def test_each_event_is_written_when_it_happens_with_who_and_why() -> None:
    stage = Stage(1, AUDITED)
    stage.site("well.example", UNKNOWN)
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "zoe@well.example")
        await stage.send("m2", "ann@ill.example", "bob@ill.example")
        assert not (await stage.client.submit("m3", sender="a@denied.example", recipients=("b@well.example",))).positive
        await trio.sleep(60)
        mid = (await ask(stage, "GET", "/messages?domain=ill.example")).content["deliveries"][0]["mid"]
        for verb in ("hold", "release", "retry"):
            assert (await ask(stage, "POST", f"/messages/{mid}/{verb}", {"reason": f"to {verb}"})).status == 200
            await trio.sleep(30)
        everything = {"selector": {"domain": ["ill.example"]}, "reason": "wrong list"}
        job = await settle(stage, await ask(stage, "POST", "/actions", {"verb": "delete", **everything}))
        assert (await ask(stage, "POST", f"/jobs/{job['id']}/undo", {})).status == 200
        assert (await ask(stage, "POST", "/suspensions", {"lane": "ill.example", "for": "2h"})).status == 201
        assert (await ask(stage, "DELETE", "/suspensions/sd-1")).status == 200
        overlay = {"domain": "ill.example", "rate": "50/min", "connections": 3, "reason": "warm-up"}
        assert (await ask(stage, "POST", "/overlays", overlay)).status == 201
        assert (await ask(stage, "PUT", "/log/levels", {"level": "debug", "part": "delivery"})).status == 200
        assert (await ask(stage, "DELETE", "/log/levels?part=delivery")).status == 200
        assert (await ask(stage, "POST", "/config/reload", {})).status == 200
        assert (await ask(stage, "POST", "/login", {"code": "nonsense"})).status == 401
        code = (await ask(stage, "POST", "/login/codes", {})).content["code"]
        assert (await ask(stage, "POST", "/login", {"code": code})).status == 200
        await trio.sleep(2 * HOUR_S)
    told = await records(stage.simulation.world.disk, PurePosixPath(stage.config.spool_path))
    by_event: dict[str, list[Any]] = {}
    for record in told:
        by_event.setdefault(record["event"], []).append(record)
    assert set(by_event) == {
        *("received", "rejected", "attempt", "bounced", "expired", "dsn", "held", "released", "deleted", "operator"),
        *("suspended", "resumed", "overlay", "config", "reload", "login", "start", "stop"),
    }
    assert by_event["rejected"][0]["sender"] == "a@denied.example"
    (hold,) = by_event["held"]
    assert (hold["reason"], hold["selector"], hold["count"], hold["by"][:5]) == ("to hold", mid, 2, "unix:")
    assert hold["deliveries"] == [f"{mid}.0", f"{mid}.1"]
    assert [(one.get("job"), one["count"], "deliveries" in one) for one in by_event["deleted"]] == [
        *((1, 2, True), (1, 2, False)),
    ]
    assert [(one["selector"], one["kind"]) for one in by_event["suspended"]] == [("lane ill.example", "suspension")]
    assert by_event["overlay"][0]["terms"] == "rate=50/min conns=3"
    assert [one["selector"] for one in by_event["config"]] == ["delivery=debug", "delivery"]
    assert [one["outcome"] for one in by_event["login"]] == ["refused", "accepted"]
    assert {one["outcome"] for one in by_event["attempt"]} == {"bounced", "deferred", "delivered"}
    assert by_event["expired"][0]["recipients"] == ["ann@ill.example"]


@simulated
async def test_the_past_of_an_address_is_told_after_it_was_packed_and_after_a_restart() -> None:
    stage = Stage(1, evolve(STEERED, audit=AuditSettings()))
    stage.site("well.example", Rule(phase=Phase.RCPT, reaction=Reply(451, "greylisted", "4.7.1"), times=1))
    async with stage.play():
        await stage.send("m1", "ann@well.example")
        await trio.sleep(DAY_S)
        await stage.send("m2", "ann@well.example")
        await trio.sleep(10)
    async with stage.play():
        await stage.send("m3", "ann@well.example", "bob@well.example")
        await trio.sleep(1)
        answer = (await ask(stage, "GET", "/history?of=Ann@Well.example&since=7d")).content
        assert (answer["schema"], answer["limit"], answer["hidden"]) == ("empath.history/1", None, False)
        assert [(one["state"], one["attempts"]) for one in answer["stories"]] == [
            *(("delivered", 2), ("delivered", 1), ("delivered", 1)),
        ]
        first, _, last = answer["stories"]
        assert [step["about"] for step in first["steps"]] == ["greylisted", "ok"]
        assert len((await ask(stage, "GET", f"/history?of={first['mid']}")).content["stories"]) == 1
        assert len((await ask(stage, "GET", "/history?of=ann@well.example&since=5s")).content["stories"]) == 1
        newest = (await ask(stage, "GET", f"/history?of={SENDER}&limit=1")).content
        assert (newest["stories"][0]["mid"], newest["left_out"]) == (last["mid"], 3)
        attempts = (await ask(stage, "GET", f"/messages/{first['mid']}/attempts")).content["attempts"]
        assert [(one["outcome"], one["code"], one["attempt"]) for one in attempts] == [
            *(("deferred", 451, 1), ("delivered", 250, 2)),
        ]
        (both,) = (await ask(stage, "GET", f"/messages/{last['mid']}/attempts")).content["attempts"]
        assert both["recipients"] == ["ann@well.example", "bob@well.example"]
        assert (await ask(stage, "GET", "/messages/1-1/attempts")).status == 404
        for wrong in ("/history", "/history?of=", "/history?of=x&since=soon", "/history?of=x&limit=0"):
            assert (await ask(stage, "GET", wrong)).content["code"] == "API008"
    names = [name.partition(".")[2] for name in await stage.simulation.world.disk.list(LOG)]
    assert sorted(names) == ["jsonl", "jsonl.gz", "jsonl.idx"]


@simulated
async def test_the_past_is_told_of_hashed_addresses_and_of_hidden_ones_it_is_said_that_it_cannot_be() -> None:
    for redaction, stories, hidden in ((Redaction.HASH, 1, False), (Redaction.LOCAL, 0, True)):
        settings = AuditSettings(redact_recipients=redaction, redact_sender=redaction)
        stage = Stage(1, evolve(STEERED, audit=settings))
        stage.site("well.example")
        async with stage.play():
            await stage.send("m1", "ann@well.example")
            await trio.sleep(1)
            answer = (await ask(stage, "GET", "/history?of=ann@well.example")).content
            assert (len(answer["stories"]), answer["hidden"]) == (stories, hidden)


@simulated
async def test_without_an_audit_log_the_past_is_not_told() -> None:
    stage = Stage(1, STEERED)
    async with stage.play():
        refused = await ask(stage, "GET", "/history?of=ann@well.example")
        assert (refused.status, refused.content["code"]) == (409, "AUD001")


@simulated
async def test_a_log_that_cannot_be_read_is_said_to_be_and_mail_goes_on() -> None:
    stage = Stage(1, evolve(STEERED, audit=AuditSettings()))
    site = stage.site("well.example")
    async with stage.play():
        await trio.sleep(1)
        stage.simulation.files.plan(Trouble.IO_ERROR, call="names")
        answer = await ask(stage, "GET", "/history?of=ann@well.example")
        assert (answer.status, answer.content["code"]) == (503, "AUD002")
        await stage.send("m1", "ann@well.example")
        await trio.sleep(1)
    assert len(site.taken) == 1


@simulated
async def test_a_history_is_as_long_as_its_keys_allow() -> None:
    stage = Stage(1, evolve(STEERED, audit=AuditSettings(history_records=2)))
    stage.site("well.example")
    async with stage.play():
        for number in range(3):
            await stage.send(f"m{number}", "ann@well.example")
        await trio.sleep(1)
        answer = (await ask(stage, "GET", "/history?of=ann@well.example")).content
        assert (answer["limit"], len(answer["stories"])) == ("records", 1)


@simulated
async def test_with_defer_no_mail_is_taken_that_could_not_be_recorded() -> None:
    taken = {}
    for on_full in OnFull:
        stage = Stage(1, evolve(STEERED, audit=AuditSettings(on_full=on_full, max_pending=40)))
        site = stage.site("well.example")
        async with stage.play():
            await trio.sleep(1)
            stage.simulation.files.plan(Trouble.NO_SPACE, call="extend")
            replies = [
                await stage.client.submit(f"m{number}", sender=SENDER, recipients=("ann@well.example",))
                for number in range(30)
            ]
            await trio.sleep(60)
            await stage.send("later", "ann@well.example")
            await trio.sleep(60)
        taken[on_full] = (sum(reply.positive for reply in replies), len(site.taken))
        told = [name for name in await stage.simulation.world.disk.list(LOG) if name.endswith(".jsonl")]
        async with await stage.simulation.world.disk.open(LOG / told[0]) as file:
            lines = [msgspec.json.decode(line) for line in (await file.read(10_000_000)).splitlines() if line]
        dropped = sum(line.get("dropped", 0) for line in lines)
        assert (dropped > 0) is (on_full is OnFull.DROP)
    assert taken[OnFull.DROP] == (30, 31)
    assert 5 < taken[OnFull.DEFER][0] < 30


@simulated
async def test_a_message_that_is_here_is_shown_as_it_would_go_out() -> None:
    stage = Stage(1, STEERED)
    site = stage.site("ill.example", evolve(LATER, times=1))
    async with stage.play():
        body = b"Subject: Hello\r\n\r\nline\r\n"
        said = {"from": SENDER, "to": ["ann@ill.example"], "content": body.decode()}
        answer = await ask(stage, "POST", "/messages", said)
        mid = answer.content["mid"]
        await trio.sleep(1)
        assert (await ask(stage, "GET", "/messages/1-1/raw")).status == 404
        assert (await ask(stage, "GET", "/messages/6911c5b5-2a/raw")).content["code"] == "MSG001"
        whole = await raw(stage, f"/messages/{mid}/raw")
        header = await raw(stage, f"/messages/{mid}/raw?headers=true")
        await trio.sleep(HOUR_S)
    (taken,) = site.taken
    assert whole == taken.content
    assert whole.startswith(header)
    assert b"Subject: Hello\r\n" in header
    assert b"\r\n\r\n" not in header


async def raw(stage: Stage, path: str) -> bytes:
    """Ask for something that is no JSON."""
    async with await stage.simulation.world.network.connect(SOCKET) as stream:
        await stream.send_all(f"GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := await stream.receive_some(65_536):
            answer += bytes(part)
    top, _, content = answer.partition(b"\r\n\r\n")
    assert b" 200 " in top
    assert b"message/rfc822" in top or b"text/rfc822-headers" in top
    return content
