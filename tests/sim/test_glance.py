"""What the dashboard asks a whole worker for, beside what commands ask for."""

import trio
from attrs import evolve

from empath.config.schema import ApiSettings, BreakerSettings, DeliverySettings, Mode
from empath.mail import Phase
from empath.sim.remote import Rule
from empath.smtp import Reply
from empath.world import TcpEndpoint
from tests.sim.stage import ENTRANCE, Stage, config_with, simulated
from tests.sim.test_api import LATER, STEERED, ask, message

DOWN = Rule(phase=Phase.MAIL, reaction=Reply(421, "4.7.0 go away", "4.7.0"), times=1000)


@simulated
async def test_outcomes_and_stages_of_the_latest_attempts_are_told_by_lane() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    stage.site("ill.example", LATER)
    async with stage.play():
        await stage.send("m1", "bob@well.example")
        await stage.send("m2", "ann@ill.example")
        await trio.sleep(10)
        found = (await ask(stage, "GET", "/recent")).content
        assert found["outcomes"] == {"well.example": "d", "ill.example": "t"}
        assert {"queue", "connect", "data"} <= {one["stage"] for one in found["stages"]}


@simulated
async def test_what_needs_somebody_is_told_with_what_to_do() -> None:
    breaker = BreakerSettings(failure_threshold=1)
    stage = Stage(1, evolve(STEERED, delivery=DeliverySettings(circuit_breaker=breaker)))
    stage.site("down.example", DOWN)
    async with stage.play():
        assert (await ask(stage, "GET", "/attention")).content["concerns"] == []
        await stage.send("m1", "ann@down.example")
        await ask(stage, "POST", "/suspensions", {"lane": "other.example", "reason": "asked"})
        await trio.sleep(5)
        concerns = (await ask(stage, "GET", "/attention")).content["concerns"]
    by_level = {one["level"]: one for one in concerns}
    assert by_level["error"]["what"].startswith("down.example: breaker")
    assert by_level["error"]["command"] == "empathctl explain down.example"
    assert by_level["note"]["command"] == "empathctl resume sd-1"
    assert (by_level["note"]["rule"], by_level["note"]["detail"]) == ("sd-1", "asked")
    assert by_level["warning"]["runbook"] == "EmpathSuccessLow"
    assert [one["level"] for one in concerns] == sorted(
        [one["level"] for one in concerns], key="error warning note".find
    )


@simulated
async def test_captured_mail_is_listed_and_shown() -> None:
    stage = Stage(1, evolve(STEERED, mode=Mode.SANDBOX))
    async with stage.play():
        sent = await ask(stage, "POST", "/messages", message("ann@example.org"))
        await trio.sleep(5)
        (row,) = (await ask(stage, "GET", "/captured")).content["messages"]
        assert (row["subject"], row["recipients"], row["mid"]) == ("Hello", ["ann@example.org"], sent.content["mid"])
        found = (await ask(stage, "GET", "/captured/1")).content
        assert (found["text"], found["html"]) == (True, False)
        assert {"name": "Subject", "value": "Hello"} in found["header"]
        assert (await ask(stage, "GET", "/captured/1/html")).status == 404
        for name in ("2", "0", "x", "9" * 30):
            assert (await ask(stage, "GET", f"/captured/{name}")).status == 404


@simulated
async def test_without_the_dashboard_the_api_is_there_and_the_pages_are_not() -> None:
    for dashboard in (True, False):
        api = ApiSettings(listen_addr=TcpEndpoint(ENTRANCE.host, 8080), dashboard=dashboard)
        stage = Stage(1, evolve(config_with(), api=api))
        async with stage.play():
            stream = await stage.simulation.world.network.connect(TcpEndpoint(ENTRANCE.host, 8080))
            async with stream:
                await stream.send_all(b"GET /dashboard/app.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = bytes(await stream.receive_some(65_536))
            assert answer.startswith(b"HTTP/1.1 200" if dashboard else b"HTTP/1.1 404")
