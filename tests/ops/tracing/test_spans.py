"""The spans of a message, with the exporter of the SDK that keeps them in memory."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from attrs import evolve
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from empath.mail.facts import DeliveryAttempted, MessageAccepted
from empath.mail.ids import DeliveryId
from empath.mail.outcome import Outcome
from empath.mail.trace_context import TraceContext
from empath.ops.tracing.spans import Traceable, spans_of
from empath.ops.tracing.telemetry import Telemetry
from tests.ops.facts import BUSY, LOST, MESSAGE, NOW, TAKEN, UNKNOWN, accepted, attempted

CONTEXT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
OWN = TraceContext.begin(MESSAGE, 1.0)
WAY = (("dns", 0.02), ("connect", 0.04), ("tls", 0.09))
STAGES = (("mail", 0.1), ("rcpt", 0.1), ("data", 0.2))


def received(context: TraceContext | None = CONTEXT) -> MessageAccepted:
    fact = accepted()
    return evolve(fact, envelope=evolve(fact.envelope, trace_context=context, received=NOW - 0.5))


def tried(outcome: Outcome = TAKEN, *, attempt: int = 1, ordinal: int = 0) -> DeliveryAttempted:
    return evolve(
        attempted(outcome, attempt=attempt, took_s=1.0),
        delivery=DeliveryId(MESSAGE, ordinal),
        trace_context=CONTEXT,
        way=WAY,
        stages=() if ordinal else STAGES,
    )


def exported(*facts: Traceable) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    assert Telemetry(exporter, "mx1").export(list(spans_of(facts))) == ""
    return list(exporter.get_finished_spans())


def by_name(spans: list[ReadableSpan]) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans}


def test_a_message_that_is_delivered_is_a_tree_of_spans_of_one_trace() -> None:
    spans = exported(received(), tried())
    assert [span.name for span in spans] == [
        *("smtp.receive", "delivery.attempt"),
        *("dns.lookup", "connect", "starttls", "transaction"),
    ]
    found = by_name(spans)
    assert {span.context.trace_id for span in spans} == {int(CONTEXT.trace_id, 16)}
    receive, attempt = found["smtp.receive"], found["delivery.attempt"]
    assert receive.parent is not None
    assert attempt.parent is not None
    assert (receive.parent.span_id, receive.parent.is_remote) == (int(CONTEXT.parent_id, 16), True)
    assert attempt.parent.span_id == receive.context.span_id
    for name in ("dns.lookup", "connect", "starttls", "transaction"):
        parent = found[name].parent
        assert parent is not None
        assert parent.span_id == attempt.context.span_id
    assert (receive.kind, attempt.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert len({span.context.span_id for span in spans}) == len(spans)


def test_what_an_attempt_says_of_itself_names_no_recipient() -> None:
    attempt = by_name(exported(tried()))["delivery.attempt"]
    assert dict(attempt.attributes or {}) == {
        "messaging.message.id": str(MESSAGE),
        "server.address": "mx1.example.org",
        "server.port": 25,
        "network.peer.address": "192.0.2.7",
        "tls.protocol.version": "1.3",
        "empath.lane": "example.org",
        "empath.attempt": 1,
        "empath.recipients": 1,
        "empath.waited_s": 1865.791,
    }
    assert "ann@" not in str([span.attributes for span in exported(received(), tried(), tried(UNKNOWN))])
    resource = attempt.resource.attributes
    assert (resource["service.name"], resource["service.instance.id"]) == ("empath", "mx1")


@pytest.mark.parametrize(
    ("outcome", "again", "error", "reason"),
    [
        (BUSY, NOW + 60, "busy", "retry_backoff"),
        (LOST, NOW + 60, "timeout", "uncertain"),
        (UNKNOWN, None, "recipient_rejected", None),
    ],
)
def test_an_attempt_that_fails_says_why_and_what_it_waits_for(
    outcome: Outcome, again: float | None, error: str, reason: str | None
) -> None:
    found = by_name(exported(evolve(tried(outcome), next_attempt=again)))
    attempt, attributes = found["delivery.attempt"], found["delivery.attempt"].attributes or {}
    assert (attempt.status.status_code, attempt.status.description) == (StatusCode.ERROR, error)
    assert (attributes["error.type"], attributes.get("empath.wait_reason")) == (error, reason)
    assert found["transaction"].status.status_code is StatusCode.ERROR
    assert found["connect"].status.status_code is StatusCode.UNSET


def test_steps_follow_each_other_and_end_with_the_attempt() -> None:
    spans = exported(tried())
    attempt, *steps = spans
    assert attempt.start_time is not None
    assert attempt.end_time == steps[-1].end_time == int(NOW * 1e9)
    assert steps[0].start_time == attempt.start_time
    for before, after in pairwise(steps):
        assert before.end_time == after.start_time
    lasted = [round(((step.end_time or 0) - (step.start_time or 0)) / 1e9, 2) for step in steps]
    assert lasted == [0.02, 0.04, 0.09, 0.85]


def test_recipients_of_one_attempt_share_its_span_and_another_attempt_has_its_own() -> None:
    spans = exported(tried(), tried(BUSY, ordinal=1), evolve(tried(attempt=2, ordinal=1), at=NOW + 60))
    attempts = [span for span in spans if span.name == "delivery.attempt"]
    counts = [(span.attributes or {})["empath.recipients"] for span in attempts]
    assert counts == [2, 1]
    assert (attempts[0].attributes or {})["error.type"] == "busy"


def test_a_trace_that_begins_here_has_no_parent_and_a_message_without_one_no_span() -> None:
    (receive,) = exported(received(OWN))
    assert (receive.parent, receive.context.trace_id) == (None, int(OWN.trace_id, 16))
    assert exported(received(None), evolve(tried(), trace_context=None)) == []


def test_an_exporter_that_fails_is_told_and_not_raised() -> None:
    class Broken(InMemorySpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise OSError("connection refused")

    assert Telemetry(Broken(), "mx1").export(list(spans_of([received()]))) == "OSError: connection refused"
