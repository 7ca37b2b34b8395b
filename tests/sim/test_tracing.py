"""The trace of a message in a whole worker: it stays with the message, whatever comes of it and whoever goes on."""

import trio
from attrs import evolve

from empath.config.schema import DeliverySettings, TracingSettings
from empath.mail import DeliveryAttempted, Phase
from empath.mail.facts import MessageAccepted
from empath.mail.trace_context import TraceContext
from empath.sim.remote import Rule
from empath.smtp import Reply
from tests.sim.stage import Stage, config_with, simulated
from tests.sim.test_api import STEERED, ask, message

CONTEXT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=False)
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.7.1"), times=1)


def traces(stage: Stage) -> list[TraceContext | None]:
    """Of what was accepted, and of each attempt."""
    return [
        fact.trace_context if isinstance(fact, DeliveryAttempted) else fact.envelope.trace_context
        for fact in stage.facts
        if isinstance(fact, DeliveryAttempted | MessageAccepted)
    ]


@simulated
async def test_a_traceparent_is_kept_over_attempts_and_restarts_though_no_span_is_made() -> None:
    stage = Stage(1, STEERED)
    stage.site("grey.example", LATER)
    async with stage.play():
        fields = {"traceparent": str(CONTEXT)}
        answer = await ask(stage, "POST", "/messages", message("bob@grey.example"), fields=fields)
        assert answer.status == 202
        await trio.sleep(5)
    async with stage.play():
        await trio.sleep(600)
    assert traces(stage) == [CONTEXT] * 3


@simulated
async def test_what_is_no_traceparent_is_ignored_and_the_message_taken() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    async with stage.play():
        fields = {"traceparent": "00-nonsense"}
        assert (await ask(stage, "POST", "/messages", message("bob@well.example"), fields=fields)).status == 202
        await trio.sleep(5)
    assert traces(stage) == [None] * 2


@simulated
async def test_mail_that_comes_over_smtp_belongs_to_a_trace_if_tracing_is_on() -> None:
    config = config_with(DeliverySettings())
    for tracing, is_traced in (
        (TracingSettings(), False),
        (TracingSettings(enabled=True, sample_ratio=0.0), True),  # so nothing is sent to anybody
    ):
        stage = Stage(1, evolve(config, tracing=tracing))
        stage.site("well.example")
        async with stage.play():
            await stage.send("m1", "bob@well.example")
            await trio.sleep(5)
        accepted, attempted = traces(stage)
        assert accepted == attempted
        assert (accepted is not None) is is_traced
        assert accepted is None or not accepted.is_sampled
