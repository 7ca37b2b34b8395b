"""Tracing: what happened to a message, as spans of the trace that it belongs to (OpenTelemetry, W3C Trace Context).

A *trace* is all that followed from one thing that somebody did; a *span* is one step of it, with a beginning and an
end. A message has its trace from its acceptance on (`empath.mail.trace_context`), so these belong together, however
much later and in whichever process they come about:

- ``smtp.receive``: from the beginning of its content to its being on the disk;
- ``delivery.attempt``: one for each attempt, and below it, as far as there was one, ``dns.lookup``, ``connect``,
  ``starttls`` and ``transaction``.

Spans are made of facts, after they happened, and outside the work: an observer puts a fact aside if its message is
sampled, and everything else is done in a thread of its own. Without tracing nobody listens, so it costs nothing.

Bounds: facts that wait (``tracing.max_pending``), and the time that the collector has (``tracing.timeout``). What does
not fit is dropped and counted, and the log says so.

Rooms: ``spans`` (which there are, as values), ``tracer`` (the observer), ``telemetry`` (how OpenTelemetry calls them;
the only module that imports it, which is an extra).

Why not the tracer of OpenTelemetry: its spans are begun and ended where the work is done, with a lock and a context
variable for each, and an attempt would pay for them whether or not anybody looks.
"""

from empath.ops.tracing.spans import Span, spans_of
from empath.ops.tracing.tracer import Tracer

__all__ = ["Span", "Tracer", "spans_of"]
