"""Measure what watching costs: just bench observers --help.

Frames: rows and texts are made in this process, without sockets. Viewers: 50 of 200 lanes, of which each changes every
second, on the loopback interface. Relay: one daemon relays in blocks, by turns with and without five dashboards, an
event stream each, and a scrape of the metrics each second.

What counts of the last one is the share of a core that watching takes: the processor time of the daemon that a block
with watchers needs more than one without, by its time on the wall. A daemon that has a whole core loses that share of
its rate. On a machine that does other work the rates themselves say little: where the daemon gets a fifth of a core, a
hundredth of a core for those who watch is a twentieth of what it has.
"""

import argparse
import json
import smtplib
import socket
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import attrs
import trio
from attrs import frozen
from websockets.sync.client import unix_connect
from websockets.typing import Subprotocol

from bench import batch, process_tree
from bench.cases import RELAY, Case
from bench.eyes import WatchedEmpath, metric, scraped, watchers
from bench.lanes import CASES, make_jobs, make_lanes
from bench.mta import Place, Running, fresh_place, running
from bench.table import simple_table
from empath.delivery.explain import Tally
from empath.delivery.explain.rows import row_at_rest, row_of
from empath.mail.waiting import Wait, WaitReason
from empath.ops.live.choosing import Choice
from empath.ops.live.feed import Feed, Table
from empath.ops.live.tables import Rows
from empath.ops.live.tables import row_of as shown
from empath.ops.views.lanes import LaneView, lane_view, wait_view

VIEWERS: Final = 50
LANES: Final = 200
_GOAL_SHARE: Final = 0.02
_GOAL_FALL: Final = 0.05
_TURNS: Final = 20


def main() -> None:
    """Measure, and print what was found."""
    options = _options()
    if "frames" in options.part:
        print(simple_table(["making rows", "us per lane and frame"], row_costs()))
        print(
            f"making frames, {VIEWERS} viewers of {LANES} lanes, each changed: {1e3 * frames(options.seconds):.2f} ms"
        )
    if "viewers" in options.part:
        share, rows = watched_share(options.seconds)
        print(
            f"a daemon with {VIEWERS} viewers of {LANES} lanes, {rows:.0f} of which change each second: "
            f"{share:.2%} of a core more (goal: less than {_GOAL_SHARE:.0%}), {1e3 * share / VIEWERS:.2f} ms a frame"
        )
    if "relay" in options.part:
        _print_relay(*relayed(options.rounds, options.scale))


def row_costs() -> list[list[str]]:
    """Rows of a table: what the row of a lane costs, as far as that depends on anything."""

    async def of_lanes(waiting: int) -> float:
        lanes = make_lanes(CASES[0], 20)
        for lane, job in make_jobs(CASES[0], lanes, waiting):
            lane.backlog.push(job)
        spent_s = []
        for _ in range(_TURNS):
            await trio.lowlevel.checkpoint()
            for lane in lanes:
                lane.backlog.pop(0.0)  # the oldest goes, as it does in a lane that works
            before_s = time.process_time()
            for lane in lanes:
                shown(lane_view(row_of(lane, None, wall=100.0, is_set_aside=False)))
            spent_s.append(time.process_time() - before_s)
        return min(spent_s) / len(lanes)

    def of_sites() -> float:
        sites = {f"d{number}.example": Tally(0.0) for number in range(20_000)}
        spent_s = []
        for _ in range(3):
            before_s = time.process_time()
            for site, tally in sites.items():
                row_at_rest(site, tally, wall=100.0, is_set_aside=False)
            spent_s.append(time.process_time() - before_s)
        return min(spent_s) / len(sites)

    found = [
        [f"busy, {waiting} messages wait", f"{1e6 * trio.run(of_lanes, waiting):.1f}"] for waiting in (100, 10_000)
    ]
    return [*found, ["at rest", f"{1e6 * of_sites():.2f}"]]


def frames(seconds: int) -> float:
    """Return the processor time of one second's frames: the tables, and the text for each viewer."""
    feed, seen = Feed(Choice()), dict[int, Table]()
    spent_s = 0.0
    for second in range(seconds):
        before_s = time.process_time()
        feed.take(_lanes(second))
        for viewer in range(VIEWERS):
            text = feed.since(seen.get(viewer, feed.table)) if viewer in seen else ""
            seen[viewer] = feed.table
            f'{{"t":"delta","id":1,"seq":{second},{text}}}'.encode()
        spent_s += time.process_time() - before_s
    return spent_s / seconds


def _lanes(second: int) -> Rows:
    wait = wait_view(Wait(WaitReason.RATE_DOMAIN, None, "200/min"))
    views = [
        LaneView(
            lane=f"lane{number}.example",
            state="ok",
            queued=number + second,
            more=False,
            oldest_s=float(second),
            connections=second % 5,
            connection_limit=20,
            window=20,
            rate_per_s=1.5 * number,
            limited_by=wait,
            breaker="closed",
            ok_share=0.99,
            p95_s=0.5,
            last_reply="250 2.0.0 OK",
            since=0.0,
        )
        for number in range(LANES)
    ]
    return {view.lane: shown(view) for view in views}


def watched_share(seconds: int) -> tuple[float, float]:
    """Return how much more of a core a daemon uses while it is watched, and how many lanes change in each second."""
    with (
        fresh_place(Path(tempfile.gettempdir()), holds=False) as place,
        socket.create_server(("0.0.0.0", place.sink_port), backlog=LANES),
        running(WatchedEmpath(lanes=LANES), place) as live,
    ):
        _fill(place)
        time.sleep(3)
        there = f"{place.directory}/control"
        with unix_connect(there, "ws://localhost/api/v1/live", subprotocols=[Subprotocol("empath.live.v1")]) as viewer:
            viewer.recv()
            viewer.send('{"op":"sub","id":1,"topic":"lanes"}')
            viewer.recv()
            rows = statistics.median(len(json.loads(viewer.recv()).get("set", ())) for _ in range(5))
        idle = _share(live.pid, seconds)
        with watchers(place, VIEWERS, "lanes"):
            time.sleep(3)
            share = _share(live.pid, seconds) - idle
            if (seeing := metric(place, "empath_live_viewers")) != VIEWERS:
                sys.exit(f"{seeing:.0f} viewers are there, and not {VIEWERS}")
            return share, rows


def _share(pid: int, seconds: int) -> float:
    before_s, began = process_tree.cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (process_tree.cpu_s(pid) - before_s) / (time.monotonic() - began)


def _fill(place: Place) -> None:
    with smtplib.SMTP("127.0.0.1", place.port) as client:
        for number in (*range(LANES), *range(LANES)):
            client.sendmail("a@source.example", [f"b@lane{number}.example"], "Subject: wait\n\n")


@frozen(kw_only=True)
class Block:
    """One batch of mail."""

    rate_per_s: float
    cpu_ms: float
    """Processor time of the daemon for each message."""

    def share_beside(self, plain: "Block") -> float:
        """Which part of a core went to those who watched, by a block that was not watched."""
        return (self.cpu_ms - plain.cpu_ms) * self.rate_per_s / 1000


def relayed(rounds: int, scale: float) -> tuple[list[Block], list[Block]]:
    """Return what comes out without and with those who watch, block by block of one daemon."""
    case = next(case for case in RELAY if case.name == "relay-1k").scaled(scale)
    program = batch.build()
    plain, watched = list[Block](), list[Block]()
    with fresh_place(Path(tempfile.gettempdir()), holds=False) as place, running(WatchedEmpath(), place) as live:
        _relay(program, case, place, live, is_watched=True)  # which warms everything up, and does not count
        for number in range(rounds):
            for is_watched in (number % 2 == 0, number % 2 == 1):
                block = _relay(program, case, place, live, is_watched=is_watched)
                (watched if is_watched else plain).append(block)
    return plain, watched


def _relay(program: Path, case: Case, place: Place, live: Running, *, is_watched: bool) -> Block:
    ports = {"target_port": place.port, "sink_port": place.sink_port}
    with batch.started(program, case, limit_s=120, **ports) as load, ExitStack() as eyes:
        load.await_warm()
        live.settle()
        if is_watched:
            eyes.enter_context(watchers(place, 5, "stats", "lanes", "events"))
            eyes.enter_context(scraped(place))
        time.sleep(1.5)
        if (seeing := metric(place, "empath_live_viewers")) != 5 * is_watched:
            sys.exit(f"{seeing:.0f} viewers are there")
        before_s = process_tree.cpu_s(live.pid)
        load.go()
        report = load.report()
        cpu_s = process_tree.cpu_s(live.pid) - before_s
    if report.faults:
        sys.exit(f"some mail was lost or doubled: {json.dumps(attrs.asdict(report))}")
    return Block(rate_per_s=report.arrived / report.last_arrival_s, cpu_ms=1000 * cpu_s / report.arrived)


def _print_relay(plain: list[Block], watched: list[Block]) -> None:
    shares = [block.share_beside(other) for block, other in zip(watched, plain, strict=True)]
    rows = [
        [name, f"{statistics.median(one.rate_per_s for one in found):.0f}", f"{_median_ms(found):.3f}"]
        for name, found in (("alone", plain), ("watched", watched))
    ]
    print(simple_table(["relaying", "messages/s", "CPU ms/message"], rows))
    print(f"watching takes {statistics.median(shares):.1%} of a core (goal: less than {_GOAL_FALL:.0%})")
    print(f"  block by block {', '.join(f'{one:.1%}' for one in shares)}")


def _median_ms(blocks: list[Block]) -> float:
    return statistics.median(block.cpu_ms for block in blocks)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What do viewers of the live websocket, and scrapes, cost?")
    parts = ("frames", "viewers", "relay")
    parser.add_argument("--part", action="append", choices=parts, help="only this one; may be repeated")
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement of the first parts (10)")
    parser.add_argument("--rounds", type=int, default=9, help="of the last part (9)")
    parser.add_argument("--scale", type=float, default=1.0, help="times the messages of the case (1.0)")
    options = parser.parse_args()
    options.part = options.part or parts
    return options


if __name__ == "__main__":
    main()
