"""The observer that puts facts aside, and the task that makes spans of them and sends these away."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import trio
from attrs import define, field

from empath.config.schema import TracingSettings
from empath.mail.facts import DeliveryAttempted, Fact, MessageAccepted
from empath.ops.tracing.spans import Span, Traceable, spans_of
from empath.world.ports import Offload

_LOG: Final = logging.getLogger(__name__)

Export = Callable[[Sequence[Span]], str]
"""Sends spans to the collector; why that failed, or empty. Blocks for ``tracing.timeout`` at most, and never raises."""


@define(eq=False, kw_only=True)
class Tracer:
    """An observer. ``run`` it as long as there are facts."""

    settings: TracingSettings
    export: Export
    offload: Offload
    dropped: int = field(init=False, default=0)
    """Facts that became no spans for want of room."""
    _pending: deque[Traceable] = field(init=False, factory=deque)
    _trouble: str = field(init=False, default="")
    _told: int = field(init=False, default=0)

    def observe(self, fact: Fact) -> None:
        """Put a fact aside if it belongs to a trace of which spans are wanted."""
        if isinstance(fact, DeliveryAttempted):
            context = fact.trace_context
        elif isinstance(fact, MessageAccepted):
            context = fact.envelope.trace_context
        else:
            return
        if context is None or not context.is_sampled:
            return
        if len(self._pending) >= self.settings.max_pending:
            self.dropped += 1
        else:
            self._pending.append(fact)

    async def run(self) -> None:
        """Send spans until cancelled, and those that are left then."""
        try:
            while True:
                await trio.sleep(self.settings.interval_s)
                await self._send()
        finally:
            with trio.CancelScope(shield=True):  # bounded by the time that the collector has
                await self._send()

    async def _send(self) -> None:
        if not self._pending:
            return
        facts, self._pending = [*self._pending], deque()
        trouble = await self.offload.run(lambda: self.export(list(spans_of(facts))))
        if trouble and trouble != self._trouble:
            _LOG.warning("spans cannot be sent to %s: %s; they are lost, and mail goes on", self._where, trouble)
        self._trouble = trouble
        if self.dropped > self._told:
            _LOG.warning(
                "%d facts became no spans, since tracing.max_pending of them waited", self.dropped - self._told
            )
            self._told = self.dropped

    @property
    def _where(self) -> str:
        return self.settings.endpoint
