"""The trace of a message is named wherever the message is: in the log, and in the audit log."""

import pytest

from empath.config.schema import Redaction
from empath.ops.audit.records import Recorder
from empath.ops.audit.redaction import Redactor
from empath.ops.logbook.sentences import sentence
from empath.ops.tracing.spans import Traceable
from tests.ops.facts import accepted, attempted
from tests.ops.tracing.test_spans import CONTEXT, received, tried

RECORDER = Recorder(node="mx1", redactor=Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b""))


@pytest.mark.parametrize(
    ("fact", "trace_id"),
    [(received(), CONTEXT.trace_id), (tried(), CONTEXT.trace_id), (accepted(), None), (attempted(), None)],
)
def test_what_belongs_to_a_trace_says_so(fact: Traceable, trace_id: str | None) -> None:
    said = sentence(fact)
    assert said is not None
    assert dict(said.pairs).get("trace_id") == trace_id
    expected = f'"trace_id":"{trace_id}"'.encode()
    assert (expected in RECORDER.line(1, fact)) is (trace_id is not None)
    assert (b"trace_id" in RECORDER.line(1, fact)) is (trace_id is not None)
