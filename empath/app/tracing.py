"""Tracing for a worker, if configuration asks for it, and the extra that it needs is there."""

from __future__ import annotations

from empath.config.schema import Config
from empath.ops.tracing import Tracer
from empath.world.ports import World


class TracingUnusable(Exception):
    """Spans cannot be made. The text says why."""


def make_tracer(config: Config, world: World) -> Tracer | None:
    """The observer; None: nobody wants spans. Raises TracingUnusable."""
    settings = config.tracing
    if not settings.enabled:
        return None
    try:
        from empath.ops.tracing.telemetry import to_collector  # noqa: PLC0415  it imports an extra
    except ImportError as error:
        raise TracingUnusable(f"tracing needs OpenTelemetry, which is not installed: {error}") from error
    return Tracer(
        settings=settings,
        export=to_collector(settings, str(config.hostname)),
        offload=world.offload.own("tracing", threads=1),
    )
