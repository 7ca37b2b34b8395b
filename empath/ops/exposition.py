"""The text that Prometheus reads.

The series are made in the event loop, from counters that only change there, and become text in a thread. What was
rendered serves for a second, so that no number of readers costs more than one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

import trio
from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from empath.ops.histogram import Histogram
from empath.ops.http import Request, Response
from empath.ops.metrics import Metrics
from empath.ops.series import Gauges, of_delivery, of_reception, of_the_daemon, of_ways
from empath.world.ports import Offload

_FRESH_S: Final = 1.0


@frozen(eq=False)
class _Made(Collector):
    """Series that have been made already."""

    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        return self.families


@define(eq=False, kw_only=True)
class Exposition:
    """Answers ``/metrics``."""

    metrics: Metrics
    loop_lag: Histogram
    version: str
    offload: Offload
    look: Callable[[], Awaitable[Gauges]]
    _process: ProcessCollector = field(init=False, factory=lambda: ProcessCollector(registry=CollectorRegistry()))
    _body: bytes = field(init=False, default=b"")
    _rendered_at: float = field(init=False, default=float("-inf"))
    _turn: trio.Lock = field(init=False, factory=trio.Lock)

    async def __call__(self, request: Request) -> Response:
        """Answer, whoever asks."""
        async with self._turn:
            if trio.current_time() - self._rendered_at >= _FRESH_S:
                made = _Made(tuple(self._families(await self.look())))
                self._body = await self.offload.run(lambda: self._render(made))
                self._rendered_at = trio.current_time()
        return Response(content_type=CONTENT_TYPE_PLAIN_0_0_4, body=self._body)

    def _render(self, made: _Made) -> bytes:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(made)
        registry.register(self._process)
        return generate_latest(registry)

    def _families(self, now: Gauges) -> Iterator[Metric]:
        yield from of_delivery(self.metrics, now)
        yield from of_ways(self.metrics.ways, now)
        yield from of_reception(self.metrics)
        yield from of_the_daemon(self.metrics, now, loop_lag=self.loop_lag, version=self.version)
