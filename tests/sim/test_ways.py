"""What a worker tells of its ways: questions to DNS, connections, stages."""

import trio

from empath.mail import DeliveryAttempted, Phase
from empath.mail.way_facts import HostDialled, HostLeft, NameLookedUp
from empath.sim.remote import Rule
from empath.smtp import Reply
from tests.sim.stage import Stage, simulated


@simulated
async def test_each_question_each_connection_and_each_stage_is_told() -> None:
    stage = Stage()
    stage.site("example.org")
    stage.site("example.net", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy"), times=1))
    async with stage.play():
        await stage.send("one", "bob@example.org", "eve@example.net")
        await trio.sleep(3600)
    dialled = [(fact.site, fact.result) for fact in stage.facts if isinstance(fact, HostDialled)]
    assert sorted(dialled) == [("example.net", "busy"), ("example.net", "ok"), ("example.org", "ok")]
    assert [fact.messages for fact in stage.facts if isinstance(fact, HostLeft)] == [1, 1]
    asked = {(fact.kind, fact.result) for fact in stage.facts if isinstance(fact, NameLookedUp)}
    assert {("MX", "ok"), ("A", "ok"), ("AAAA", "nodata")} <= asked
    for fact in stage.facts:
        if isinstance(fact, HostDialled) and fact.result == "ok":
            assert [stage for stage, _ in fact.stages] == ["dns", "connect"]
    stages = [fact.stages for fact in stage.facts if isinstance(fact, DeliveryAttempted)]
    assert [tuple(name for name, _ in one) for one in stages if one] == [("rcpt", "data")] * 2
