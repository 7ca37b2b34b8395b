"""The daemon at a glance."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from attrs import frozen

import empath
from empath.config.schema import Config
from empath.ops.condition import Condition
from empath.ops.health import Health
from empath.ops.recent import RecentAttempts
from empath.ops.traffic import Traffic
from empath.world.ports import Clock


class QueueSizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much lies in the spool."""

    messages: int
    waiting: int
    """Deliveries that wait for their next attempt."""
    in_progress: int
    quarantined: int
    """Deliveries of messages that are damaged."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon at a glance."""

    schema: Literal["empath.status/1"] = "empath.status/1"
    node: str
    version: str
    mode: Literal["live", "sandbox"]
    state: Literal["running", "draining"]
    ready: bool
    """Whether new mail can be taken."""
    failing: tuple[str, ...]
    """The checks of /health/ready that fail."""
    frozen: bool
    """Whether all attempts are stopped."""
    started: float
    now: float
    queue: QueueSizes | None
    """None: the spool does not answer."""
    received: int
    """Messages that were accepted since the start."""
    delivered: int
    """Deliveries that were completed since the start."""
    received_per_s: float
    """Over the last minute."""
    delivered_per_s: float
    success_rate: float | None
    """What part of the attempts of the last 15 minutes delivered; None: there were none."""
    free_bytes: int | None
    """Room on the disk of the spool."""
    listeners: tuple[str, ...]
    sections: dict[str, str]
    """Where each section of the configuration is served."""
    https: tuple[str, ...] = ()
    """Those of them that are served over TLS."""
    needs_restart: tuple[str, ...] = ()
    """Keys that the files say otherwise, and that take a restart."""
    reload_problem: str | None = None
    """Why the latest reading of the configuration has changed nothing; None: it went well."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What runs here."""

    schema: Literal["empath.version/1"] = "empath.version/1"
    empath: str
    python: str
    node: str


@frozen(kw_only=True)
class DaemonView:
    """Makes the views of the daemon as a whole."""

    config: Config
    clock: Clock
    health: Health
    recent: RecentAttempts
    traffic: Traffic
    is_frozen: Callable[[], bool]
    places: Callable[[], tuple[tuple[str, ...], Mapping[str, str]]]
    """Where mail is taken, and where each section is served."""
    started: float
    https: frozenset[str] = frozenset()
    """The sections that are served over TLS."""
    needs_restart: Callable[[], tuple[str, ...]] = tuple
    """Keys with a value that holds from the next start on."""
    reload_problem: Callable[[], str | None] = lambda: None

    async def status(self) -> Status:
        """See `Status`."""
        config, now = self.config, self.clock.now()
        condition = await self.health.examination.condition()
        failing = tuple(await self.health.failing())
        listeners, sections = self.places()
        return Status(
            node=str(config.hostname),
            version=empath.__version__,
            mode=config.mode.value,
            state="draining" if self.health.examination.is_draining() else "running",
            ready=not failing,
            failing=failing,
            frozen=self.is_frozen(),
            started=self.started,
            now=now,
            queue=sizes(condition),
            received=self.traffic.received,
            delivered=self.traffic.delivered,
            received_per_s=round(self.traffic.received_per_s(now), 3),
            delivered_per_s=round(self.traffic.delivered_per_s(now), 3),
            success_rate=self.recent.success_rate(now),
            free_bytes=condition.free_bytes,
            listeners=listeners,
            sections=dict(sections),
            https=tuple(sorted(self.https)),
            needs_restart=self.needs_restart(),
            reload_problem=self.reload_problem(),
        )

    def version(self) -> Version:
        """See `Version`."""
        return Version(empath=empath.__version__, python=platform.python_version(), node=str(self.config.hostname))


def sizes(condition: Condition) -> QueueSizes | None:
    """How much lies in the spool, as far as it is known."""
    queue = condition.queue
    if queue is None:
        return None
    return QueueSizes(
        messages=queue.messages, waiting=queue.waiting, in_progress=queue.claimed, quarantined=queue.quarantined
    )
