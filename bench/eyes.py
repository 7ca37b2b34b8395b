"""Those who watch a daemon: viewers of the live websocket, and who reads the metrics. And a daemon they can watch."""

import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import frozen

from bench.empath_mta import Empath, configuration
from bench.mta import Place, free_ports

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


@frozen(kw_only=True)
class WatchedEmpath(Empath):
    """Empath with the API, and next hops that make a lane for each domain."""

    name: str = "empath-watched"
    lanes: int = 0
    """To how many next hops, which take connections and say nothing. 0: there is one, which is the sink."""

    def prepare(self, place: Place) -> list[str]:
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
        return [str(word) for word in command]


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
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(1.0):
            _read(place)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def metric(place: Place, name: str) -> float:
    """Return what the daemon says of one metric."""
    lines = _read(place).splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def _read(place: Place) -> str:
    url = f"http://127.0.0.1:{(place.directory / 'metrics').read_text()}/metrics"
    with urllib.request.urlopen(url) as answer:
        text: str = answer.read().decode()
    return text
