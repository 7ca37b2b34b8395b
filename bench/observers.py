"""Measure what watching costs: just bench observers.

The first part builds and encodes frames for 50 viewers of 200 lanes, all in this process and without sockets, and then
with a daemon and viewers over the loopback interface: processor time for each second of watching. The second part
relays mail with and without five viewers, an event stream each, and a scrape of the metrics each second, in turns.
"""

import argparse
import json
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import attrs
from attrs import frozen
from websockets.sync.client import unix_connect
from websockets.typing import Subprotocol

from bench import batch, process_tree
from bench.cases import RELAY, Case
from bench.empath_mta import Empath, configuration
from bench.mta import Place, free_ports, fresh_place, running
from empath.ops.live.choosing import Choice
from empath.ops.live.feed import Feed, Table
from empath.ops.live.tables import Rows, row_of
from empath.ops.views.lanes import LaneView, WaitView

VIEWERS: Final = 50
LANES: Final = 200
_GOAL_SHARE: Final = 0.02
_GOAL_FALL: Final = 0.05
_BUSY: Final = """\
delivery.max_parallel_deliveries = 1000
delivery.max_connections_per_host = 1
"""
_LANE: Final = """
[delivery.domains."lane{number}.example"]
mx_override = "127.0.1.{number}:{port}"
"""
_WATCHER: Final = """
import sys, threading
from websockets.sync.client import unix_connect
def watch():
    there = "ws://localhost/api/v1/live"
    with unix_connect(sys.argv[1], there, subprotocols=["empath.live.v1"], compression=None, max_size=None) as live:
        for number, topic in enumerate(sys.argv[3:]):
            live.send('{"op":"sub","id":%d,"topic":"%s"}' % (number, topic))
        for _ in live:
            pass
for _ in range(int(sys.argv[2])):
    threading.Thread(target=watch, daemon=True).start()
sys.stdin.read()
"""


def main() -> None:
    """Measure, and print what was found."""
    options = _options()
    print(f"making frames, {VIEWERS} viewers of {LANES} lanes, each changed: {1e3 * frames(options.seconds):.2f} ms")
    share, rows = watched_share(options.seconds)
    print(
        f"a daemon with {VIEWERS} viewers of {LANES} lanes, {rows:.0f} of which change each second: "
        f"{share:.2%} of a core more (goal: less than {_GOAL_SHARE:.0%})"
    )
    plain, watched = relayed(options.rounds, options.scale)
    for name, figure in (("messages/s", "rate_per_s"), ("ms of processor time per message", "cpu_ms")):
        before, after = ([getattr(one, figure) for one in results] for results in (plain, watched))
        change = statistics.median(after) / statistics.median(before) - 1
        rounds = ", ".join(f"{one / other - 1:+.1%}" for one, other in zip(after, before, strict=True))
        print(
            f"relaying alone {statistics.median(before):.2f} {name}, "
            f"watched {statistics.median(after):.2f}: {change:+.1%}"
        )
        print(f"  round by round {rounds}")
    print(f"goal: the rate falls by less than {_GOAL_FALL:.0%}")


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
    wait = WaitView(reason="rate_domain", until=None, detail="200/min")
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
    return {view.lane: row_of(view) for view in views}


def watched_share(seconds: int) -> tuple[float, float]:
    """Return how much more of a core a daemon uses while it is watched, and how many lanes change in each second."""
    with (
        fresh_place(Path(tempfile.gettempdir()), holds=False) as place,
        socket.create_server(("0.0.0.0", place.sink_port), backlog=LANES),
        running(_Watched(lanes=LANES), place) as live,
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
            if (seeing := _scraped(place, "empath_live_viewers")) != VIEWERS:
                sys.exit(f"{seeing:.0f} viewers are there, and not {VIEWERS}")
            return share, rows


def _scraped(place: Place, name: str) -> float:
    with urllib.request.urlopen(_metrics(place)) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def _metrics(place: Place) -> str:
    return f"http://127.0.0.1:{(place.directory / 'metrics').read_text()}/metrics"


def _share(pid: int, seconds: int) -> float:
    before_s, began = process_tree.cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (process_tree.cpu_s(pid) - before_s) / (time.monotonic() - began)


def _fill(place: Place) -> None:
    with smtplib.SMTP("127.0.0.1", place.port) as client:
        for number in (*range(LANES), *range(LANES)):
            client.sendmail("a@source.example", [f"b@lane{number}.example"], "Subject: wait\n\n")


@frozen(kw_only=True)
class _Watched(Empath):
    """Empath with the API, and next hops that make a lane for each domain."""

    name: str = "empath-watched"
    lanes: int = 0
    """To how many next hops, which take connections and say nothing. 0: there is one, which is the sink."""

    def prepare(self, place: Place) -> list[str | Path]:
        command = super().prepare(place)
        text = configuration(place).replace("api.enabled = false", f'api.control_socket = "{place.directory}/control"')
        (metrics,) = free_ports(1)
        text = text.replace("metrics.enabled = false", f'metrics.listen_addr = "127.0.0.1:{metrics}"')
        text = text.replace("[[smtp", f'api.listen_addr = "127.0.0.1:{metrics}"\n[[smtp', 1)
        if self.lanes:
            lines = [line for line in text.splitlines() if not line.startswith("delivery.smart_host")]
            text = _BUSY + "\n".join(lines) + "\n"
            text += "".join(_LANE.format(number=number, port=place.sink_port) for number in range(self.lanes))
        (place.directory / "empath.toml").write_text(text)
        (place.directory / "metrics").write_text(str(metrics))
        return list(command)


@contextmanager
def watchers(place: Place, count: int, *topics: str) -> Iterator[None]:
    """Watch from a process of its own."""
    command = [sys.executable, "-c", _WATCHER, f"{place.directory}/control", str(count), *topics]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


@contextmanager
def scraped(place: Place) -> Iterator[None]:
    """Read the metrics each second."""
    url, over = _metrics(place), threading.Event()

    def scrape() -> None:
        while not over.wait(1.0):
            with urllib.request.urlopen(url) as answer:
                answer.read()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@frozen
class Result:
    """One batch of mail."""

    rate_per_s: float
    cpu_ms: float
    """Processor time of the daemon for each message."""


def relayed(rounds: int, scale: float) -> tuple[list[Result], list[Result]]:
    """Return what comes out without and with those who watch, by round."""
    case = next(case for case in RELAY if case.name == "relay-1k").scaled(scale)
    program = batch.build()
    plain, watched = list[Result](), list[Result]()
    for number in range(rounds):
        for is_watched in (number % 2 == 0, number % 2 == 1):
            (watched if is_watched else plain).append(_relay(program, case, is_watched=is_watched))
    return plain, watched


def _relay(program: Path, case: Case, *, is_watched: bool) -> Result:
    with fresh_place(Path(tempfile.gettempdir()), holds=False) as place, running(_Watched(), place) as live:
        ports = {"target_port": place.port, "sink_port": place.sink_port}
        with batch.started(program, case, limit_s=60, **ports) as load:
            load.await_warm()
            live.settle()
            with ExitStack() as eyes:
                if is_watched:
                    eyes.enter_context(watchers(place, 5, "stats", "lanes", "events"))
                    eyes.enter_context(scraped(place))
                time.sleep(1.5)
                if (seeing := _scraped(place, "empath_live_viewers")) != 5 * is_watched:
                    sys.exit(f"{seeing:.0f} viewers are there")
                before_s = process_tree.cpu_s(live.pid)
                load.go()
                report = load.report()
                cpu_s = process_tree.cpu_s(live.pid) - before_s
    if report.faults:
        sys.exit(f"some mail was lost or doubled: {json.dumps(attrs.asdict(report))}")
    return Result(report.arrived / report.last_arrival_s, 1000 * cpu_s / report.arrived)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What do viewers of the live websocket, and scrapes, cost?")
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement of the first part (10)")
    parser.add_argument("--rounds", type=int, default=5, help="of the second part (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="times the messages of the case (1.0)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
