"""Spans as OpenTelemetry has them, and how they get to a collector. Imported only where tracing is switched on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from attrs import field, frozen
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

import empath
from empath.config.schema import TracingSettings
from empath.ops.tracing.spans import ATTEMPT, RECEIVE, Span

_SCOPE: Final = InstrumentationScope("empath", empath.__version__)
_KINDS: Final = {RECEIVE: SpanKind.SERVER, ATTEMPT: SpanKind.CLIENT}
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NS: Final = 1_000_000_000


@frozen
class Telemetry:
    """Calls an exporter of the SDK. To be called in one thread at a time."""

    _exporter: SpanExporter
    _node: str
    _resource: Resource = field(init=False)

    @_resource.default
    def _describe(self) -> Resource:
        return Resource(
            {"service.name": "empath", "service.version": empath.__version__, "service.instance.id": self._node}
        )

    def export(self, spans: Sequence[Span]) -> str:
        """See `tracer.Export`."""
        try:
            result = self._exporter.export([self._readable(span) for span in spans])
        except Exception as error:  # the SDK's own, requests', and those of whatever lies below
            return f"{type(error).__name__}: {error}"
        return "" if result is SpanExportResult.SUCCESS else "the collector did not take them"

    def _readable(self, span: Span) -> ReadableSpan:
        parent = _context(span.trace_id, span.parent_id, is_remote=span.is_remote_parent) if span.parent_id else None
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, is_remote=False),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS.get(span.name, SpanKind.CLIENT),
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
            start_time=int(span.begin * _NS),
            end_time=int(span.end * _NS),
            instrumentation_scope=_SCOPE,
        )


def to_collector(settings: TracingSettings, node: str) -> Callable[[Sequence[Span]], str]:
    """How spans get to the collector that configuration names."""
    # What fails is said once, by us: the exporter would say so of each request, and in other words.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    return Telemetry(OTLPSpanExporter(endpoint=settings.endpoint, timeout=settings.timeout_s), node).export


def _context(trace_id: str, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, _SAMPLED)
