"""What the checks of a run must see, and what they must let pass."""

from math import inf

import trio

from empath.mail import MessageAccepted, Phase
from empath.sim import Conditions
from empath.sim.invariants import Evidence, reports
from empath.sim.remote import Rule
from empath.smtp import Reply
from tests.sim.stage import Stage, config_with, simulated

NEVER = Rule(phase=Phase.RCPT, reaction=Reply(550, "never", "5.1.1"))


@simulated
async def test_a_message_whose_250_was_lost_on_its_way_is_kept_and_its_failure_is_reported_to_its_sender() -> None:
    stage = Stage(1, config_with())
    stage.site("never.example", NEVER)
    stage.simulation.network.usual = Conditions(latency_s=0.1)
    async with stage.play():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.send, "m1", "bob@never.example")
            for _ in range(200):
                await trio.sleep(0.01)
                if any(isinstance(fact, MessageAccepted) for fact in stage.facts):
                    break  # the reply is still on its way
            nursery.cancel_scope.cancel()
        await trio.sleep(60)
    assert (stage.client.ledger, [one.token for one in stage.client.unheard]) == ([], ["m1"])
    assert len(stage.reports) == 1
    assert stage.breaches() == []


@simulated
async def test_a_report_on_what_nobody_has_brought_is_a_breach() -> None:
    stage = Stage(1, config_with())
    stage.site("never.example", NEVER)
    async with stage.play():
        await stage.send("m1", "bob@never.example")
        await trio.sleep(60)
    evidence = Evidence(ledger=[], unheard=[], taken=stage.taken, facts=[], cuts=[inf])
    assert any(
        "('m1', 'bob@never.example') was reported, to a sender that is none" in line for line in reports(evidence)
    )
