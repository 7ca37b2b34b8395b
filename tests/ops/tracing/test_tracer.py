"""The observer: bounded, and without effect on anybody."""

import logging
from collections.abc import Sequence

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from empath.config.schema import TracingSettings
from empath.ops.tracing import Span, Tracer
from empath.sim.offload import InlineOffload
from tests.ops.facts import breaker
from tests.ops.tracing.test_spans import CONTEXT, received, tried

SETTINGS = TracingSettings(enabled=True, interval_s=5.0, max_pending=3)


@define
class Collector:
    """Where spans go."""

    spans: list[Span] = field(init=False, factory=list)
    calls: int = field(init=False, default=0)
    trouble: str = field(init=False, default="")

    def export(self, spans: Sequence[Span]) -> str:
        self.calls += 1
        self.spans += [] if self.trouble else spans
        return self.trouble


def tracer(collector: Collector) -> Tracer:
    return Tracer(settings=SETTINGS, export=collector.export, offload=InlineOffload())


async def test_spans_are_sent_now_and_then_and_at_the_end(autojump_clock: MockClock) -> None:
    collector = Collector()
    observer = tracer(collector)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(observer.run)
        await trio.sleep(20)
        assert collector.calls == 0
        observer.observe(received())
        await trio.sleep(SETTINGS.interval_s + 1)
        assert [span.name for span in collector.spans] == ["smtp.receive"]
        observer.observe(tried())
        nursery.cancel_scope.cancel()
    assert collector.calls == 2
    assert collector.spans[-1].name == "transaction"


def test_what_is_not_sampled_or_belongs_to_no_trace_is_passed_over() -> None:
    observer = tracer(Collector())
    unsampled = evolve(CONTEXT, is_sampled=False)
    for fact in (received(None), received(unsampled), evolve(tried(), trace_context=unsampled), breaker("open")):
        observer.observe(fact)
    assert not observer._pending


async def test_what_there_is_no_room_for_is_dropped_counted_and_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    observer = tracer(Collector())
    for _ in range(5):
        observer.observe(received())
    assert observer.dropped == 2
    with caplog.at_level(logging.WARNING), trio.move_on_after(6):
        await observer.run()
    assert "2 facts became no spans" in caplog.text


async def test_a_collector_that_does_not_answer_is_told_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    collector = Collector()
    collector.trouble = "connection refused"
    observer = tracer(collector)
    with caplog.at_level(logging.WARNING):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(observer.run)
            for _ in range(3):
                observer.observe(received())
                await trio.sleep(6)
            collector.trouble = ""
            observer.observe(tried())
            await trio.sleep(6)
            nursery.cancel_scope.cancel()
    assert caplog.text.count("connection refused") == 1
    assert next(span.name for span in collector.spans) == "delivery.attempt"
