"""Draw what lanes do over virtual time, from runs of the simulation: ``docs/plots/*.svg``.

Each picture is one run with one seed, so it is the same every time. The curves are read off the actors themselves, once
a few seconds, while real messages go to a simulated host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import trio
from attrs import define, field, frozen

from empath.config.schema import BreakerSettings, DeliverySettings, DomainSettings, Period, Rate
from empath.sim import Conditions, Reach, simulate
from empath.sim.world import SimulatedWorld
from empath.smtp import Domain
from tests.delivery.steered import Bridge, bridge
from tests.sim.hidden import HiddenLimits

PLACE = Path(__file__).parents[1] / "docs" / "plots"
SITE = "a.example"
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 260, 48, 34, 12, 34
COLOURS = ("#1f6fb2", "#c2571a", "#3d8b3d")


@frozen
class Curve:
    """One line of a picture."""

    name: str
    points: Sequence[tuple[float, float]]
    """Seconds, and a value."""
    steps: bool = False
    """Whether the value holds until the next point."""


@define(eq=False)
class Trace:
    """Samples of a run."""

    place: Bridge
    every_s: float
    series: dict[str, list[tuple[float, float]]] = field(init=False, factory=dict)

    async def watch(self, sample: Callable[[], dict[str, float]]) -> None:
        """Take samples until cancelled."""
        while True:
            for name, value in sample().items():
                self.series.setdefault(name, []).append((trio.current_time(), value))
            await trio.sleep(self.every_s)


def svg(title: str, curves: Sequence[Curve], unit: str) -> str:
    """A picture of some curves over minutes."""
    end_s = max(moment for curve in curves for moment, _ in curve.points)
    top = max(value for curve in curves for _, value in curve.points) * 1.1 or 1.0

    def place(moment: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * moment / end_s
        return round(x, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="14" font-size="12">{title}</text>',
    ]
    for part in range(5):
        value = top * part / 4
        x, y = place(0, value)
        lines.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        lines.append(f'<text x="{x - 4}" y="{y + 4}" text-anchor="end">{value:.3g}</text>')
    for part in range(7):
        x, y = place(end_s * part / 6, 0)
        lines.append(f'<text x="{x}" y="{y + 14}" text-anchor="middle">{end_s * part / 360:.3g}</text>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">minutes; {unit}</text>')
    for number, curve in enumerate(curves):
        colour = COLOURS[number]
        path, previous = list[str](), 0.0
        for moment, value in curve.points:
            x, y = place(moment, value)
            if path and curve.steps:
                path.append(f"{x},{previous}")
            path.append(f"{x},{y}")
            previous = y
        lines.append(f'<polyline points="{" ".join(path)}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        lines.append(f'<text x="{LEFT + 150 * number}" y="28" fill="{colour}">{curve.name}</text>')
    return "\n".join([*lines, "</svg>", ""])


async def _host(place: Bridge, *, connections: int = 1000, per_s: float = 1e9) -> HiddenLimits:
    address = "198.51.100.200"
    place.world.zones.add_mx(SITE, f"mx.{SITE}")
    place.world.zones.add_host(f"mx.{SITE}", address)
    network = place.world.network
    server = HiddenLimits(
        f"mx.{SITE}",
        network.host(address),
        place.world.entropy,
        network=network,
        most_connections=connections,
        most_per_s=per_s,
    )
    await place._nursery.start(server.run)
    return server


async def _bring(place: Bridge, *, every_s: float, lasting_s: float, portion: int) -> None:
    until = trio.current_time() + lasting_s
    while trio.current_time() < until:
        await place.put(f"x@{SITE}", messages=portion)
        await trio.sleep(every_s)


def _throughput(moments: Sequence[float], every_s: float) -> list[tuple[float, float]]:
    last = int(max(moments) // every_s) + 1
    return [(n * every_s, sum(n * every_s <= m < (n + 1) * every_s for m in moments) / every_s) for n in range(last)]


async def window() -> str:
    """A host that bears seven connections and does not say so, and is out of reach for ten minutes."""
    settings = DeliverySettings(
        retry_base_delay_s=30, retry_multiplier=1.0, circuit_breaker=BreakerSettings(timeout_s=30, max_timeout_s=120)
    )
    async with bridge(settings, world=SimulatedWorld(1)) as place, trio.open_nursery() as nursery:
        server = await _host(place, connections=7)
        server.pause_s = 2
        trace = Trace(place, 10)

        def sample() -> dict[str, float]:
            lane = place.sending.dispatcher.lanes.get(SITE)
            return {"window": lane.window.size if lane else 2, "connections": lane.senders if lane else 0}

        nursery.start_soon(trace.watch, sample)
        nursery.start_soon(partial(_bring, place, every_s=20, lasting_s=3000, portion=14))
        await trio.sleep(1500)
        conditions, address = place.world.network.conditions, server.host.addresses[0]
        for link in list(place.world.network.links):
            link.reset()
        conditions[address] = Conditions(reach=Reach.UNREACHABLE)
        await trio.sleep(600)
        del conditions[address]
        await trio.sleep(1200)
        nursery.cancel_scope.cancel()
    curves = [Curve(name, points, steps=True) for name, points in trace.series.items()]
    return svg("A hidden limit of 7 connections; from minute 25 to 35 the host is out of reach", curves, "connections")


async def rate() -> str:
    """A host that takes half a message a second and turns the rest away."""
    settings = DeliverySettings(retry_base_delay_s=120, retry_multiplier=1.0, max_attempts=1000)
    async with bridge(settings, world=SimulatedWorld(1)) as place, trio.open_nursery() as nursery:
        server = await _host(place, per_s=0.5)
        trace = Trace(place, 20)

        def sample() -> dict[str, float]:
            lane = place.sending.dispatcher.lanes.get(SITE)
            steering = lane.helm.steering if lane else None
            return {"pace": steering.pace.rate_per_s} if steering and steering.pace else {}

        nursery.start_soon(trace.watch, sample)
        await _bring(place, every_s=20, lasting_s=5400, portion=9)
        nursery.cancel_scope.cancel()
        taken = [one.at for one in server.taken]
    away = [(moment, 0.02) for moment in server.turned_away]
    curves = [
        Curve("pace of the lane", trace.series["pace"], steps=True),
        Curve("taken by the host", _throughput(taken, 60), steps=True),
    ]
    title = f"A hidden limit of 0.5 messages a second; {len(away)} of {len(taken) + len(away)} were turned away"
    return svg(title, curves, "messages per second")


async def tokens() -> str:
    """Thirty messages a minute with a burst of ten, and mail that comes in heaps."""
    limit = Rate(30, Period.MINUTE, 10)
    settings = DeliverySettings(domains={Domain.parse(SITE): DomainSettings(rate_limit=limit)})
    async with bridge(settings, world=SimulatedWorld(1)) as place, trio.open_nursery() as nursery:
        server = await place.server(SITE)
        trace = Trace(place, 1)

        def sample() -> dict[str, float]:
            lane = place.sending.dispatcher.lanes.get(SITE)
            limits = lane.backlog.limits if lane else None
            if limits is None:
                return {}
            bucket = limits._bucket("domain", SITE, limit)
            missing = max(0.0, bucket.full_at - trio.current_time()) * bucket.rate_per_s
            return {"tokens": max(0.0, bucket.burst - missing)}

        nursery.start_soon(trace.watch, sample)
        for heap in (5, 25, 40):
            await place.put(f"x@{SITE}", messages=heap)
            await trio.sleep(90)
        nursery.cancel_scope.cancel()
        taken = [one.at for one in server.taken]
    sent = [(moment, float(number)) for number, moment in enumerate(taken, start=1)]
    return svg(
        "30 messages a minute, burst 10; heaps of 5, 25 and 40 messages",
        [Curve("tokens", trace.series["tokens"]), Curve("messages taken", sent, steps=True)],
        "tokens, messages",
    )


def main() -> None:
    """Draw all of them."""
    PLACE.mkdir(exist_ok=True)
    runs: dict[str, Callable[[], Awaitable[str]]] = {"window": window, "rate": rate, "tokens": tokens}
    for name, run in runs.items():
        (PLACE / f"{name}.svg").write_text(simulate(run, seed=1), encoding="utf-8")
        print(f"docs/plots/{name}.svg")


if __name__ == "__main__":
    main()
