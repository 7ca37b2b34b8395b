"""What is said in SMTP is shown to who watches, from both sides of the daemon."""

from attrs import evolve

from empath.config.schema import LiveSettings, Period, Rate
from empath.mail import Phase
from empath.sim.remote import Rule
from empath.smtp import Reply
from tests.sim.stage import SENDER, Stage, simulated
from tests.sim.test_api import STEERED
from tests.sim.test_live import Viewer, viewer

SECRET = b"the secret of this message"


def lines(found: Viewer, way: str) -> list[str]:
    """What was said, with who said it."""
    marks = {"command": ">", "reply": "<", "content": "|", "note": "-", "closed": "x"}
    return [f"{marks[one['event']]} {one['line']}" for one in found.events if one["way"] == way]


async def traced(stage: Stage, found: Viewer, *recipients: str, seconds: float = 90, **wanted: object) -> None:
    """Trace while messages are delivered."""
    await found.say(op="sub", id=1, topic="trace", filter=wanted)
    await found.watch_for(1)
    for number, recipient in enumerate(recipients):
        await stage.send(f"m{number}", recipient, body=SECRET + b"\r\n")
    await found.watch_for(seconds)


@simulated
async def test_a_message_is_traced_on_its_way_in_and_out_without_its_content() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    async with stage.play(), viewer(stage) as found:
        await traced(stage, found, "bob@well.example", seconds=600)
        incoming, outgoing = lines(found, "in"), lines(found, "out")
        mids = {one["mid"] for one in found.events if "mid" in one}
    assert incoming[0].startswith("< 220 mx.empath.example ")
    assert "> RCPT TO:<bob@well.example>" in incoming
    assert incoming[-1].startswith("x closed: quit")
    assert outgoing[0] == "- connected"
    assert any(line.startswith(f"> MAIL FROM:<{SENDER}>") for line in outgoing)
    assert any(line.startswith("- (") and line.endswith("octets of the message)") for line in outgoing)
    assert outgoing[-1] == "x closed"
    assert len(mids) == 1
    assert SECRET.decode() not in str(found.events)
    assert {one["lane"] for one in found.events if one["way"] == "out"} == {"well.example"}


@simulated
async def test_the_content_is_shown_to_who_asks_for_it() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    async with stage.play(), viewer(stage) as found:
        await traced(stage, found, "bob@well.example", content=True)
    assert f"| {SECRET.decode()}" in lines(found, "in")
    assert f"| {SECRET.decode()}" in lines(found, "out")


@simulated
async def test_a_dialogue_that_is_looked_for_is_shown_from_its_beginning_and_no_other() -> None:
    stage = Stage(1, STEERED)
    for domain in ("well.example", "other.example"):
        stage.site(domain)
    async with stage.play(), viewer(stage) as found:
        await traced(stage, found, "bob@other.example", "ann@well.example", "eve@other.example", domain="well.example")
    assert "other.example" not in str(found.events)
    assert lines(found, "in")[0].startswith("< 220 ")
    assert lines(found, "out")[0] == "- connected"
    assert len({one["session"] for one in found.events}) == 2


@simulated
async def test_a_host_that_cannot_be_reached_and_one_that_refuses_are_seen_to() -> None:
    stage = Stage(1, STEERED)
    stage.site("ill.example", Rule(phase=Phase.RCPT, reaction=Reply(550, "no", "5.1.1"), times=100))
    stage.simulation.zones.add_mx("gone.example", "mx.gone.example")
    stage.simulation.zones.add_host("mx.gone.example", "203.0.113.99")
    async with stage.play(), viewer(stage) as found:
        await found.say(op="sub", id=1, topic="trace", filter={"way": "out"})
        await found.watch_for(1)
        await stage.send("m1", "bob@ill.example")
        await stage.send("m2", "bob@gone.example")
        await found.watch_for(90)
    assert "< 550 5.1.1 no" in lines(found, "out")
    gone, *_ = [one for one in found.events if one["lane"] == "gone.example"]
    assert (gone["host"], gone["ends"], gone["line"].startswith("given up: ")) == ("mx.gone.example", True, True)


@simulated
async def test_of_too_many_transactions_whole_ones_are_left_out_and_counted() -> None:
    slow = LiveSettings(event_rate=Rate(1, Period.SECOND))
    stage = Stage(1, evolve(STEERED, api=evolve(STEERED.api, live=slow)))
    stage.site("well.example")
    async with stage.play(), viewer(stage) as found:
        recipients = [f"bob{number}@well.example" for number in range(20)]
        await traced(stage, found, *recipients, way="in")
    first = [one for one in found.events if one["line"].startswith("220 ")]
    last = [one for one in found.events if one["event"] == "closed"]
    assert 1 <= len(first) == len(last) < 20
    assert found.dropped > 0


@simulated
async def test_nobody_is_told_anything_when_nobody_traces() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    async with stage.play(), viewer(stage) as found:
        await traced(stage, found, "bob@well.example", seconds=2)
        before = len(found.events)
        await found.say(op="unsub", id=1)
        await found.watch_for(1)
        await stage.send("again", "bob@well.example")
        await found.watch_for(23)
        assert len(found.events) == before
        await found.say(op="sub", id=2, topic="trace")
        await found.watch_for(1)
        await stage.send("third", "bob@well.example")
        await found.watch_for(5)
        # A connection that was open before is seen too, from here on.
        assert any(line.startswith("> MAIL FROM") for line in lines(found, "out")[1:])
    assert stage.breaches() == []
