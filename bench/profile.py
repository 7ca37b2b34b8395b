"""Profile Empath while it relays: just bench profile --help.

Empath runs as `just bench relay` runs it, alone, and py-spy looks at its stack 500 times a second, counting the threads
that hold the interpreter's lock: that lock is what limits the rate. The table has the functions in which the most time
was spent itself, and how much was spent in them with all that they called. The stacks, which ``--stacks`` keeps, are in
the folded form that programs for flame graphs read.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from bench import batch
from bench.cases import RECEIVE, RELAY, Case
from bench.empath_mta import Empath
from bench.mta import fresh_place, running

RATE_PER_S: Final = 500
_LINE: Final = re.compile(r":\d+\)\Z")


@frozen(kw_only=True)
class Share:
    """One function."""

    function: str
    own: float
    """Of all samples, those in which it was on top of the stack."""
    total: float
    """Of all samples, those in which it was on the stack."""


def shares(folded: Iterable[str]) -> list[Share]:
    """Return the functions of folded stacks, the one with the largest own share first."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    count = 0
    for line in folded:
        stack, _, samples = line.strip().rpartition(" ")
        functions = [_LINE.sub(")", frame) for frame in stack.split(";")]
        own[functions[-1]] += int(samples)
        for function in set(functions):
            total[function] += int(samples)
        count += int(samples)
    return [
        Share(function=function, own=samples / count, total=total[function] / count)
        for function, samples in own.most_common()
    ]


def table(found: list[Share]) -> str:
    """Return the shares as lines of text."""
    lines = ["own     with calls  function"]
    lines += [f"{share.own:6.1%}  {share.total:10.1%}  {share.function}" for share in found]
    return "\n".join(lines)


def profile(case: Case, stacks: Path, *, below: Path, limit_s: int) -> None:
    """Run a case once and write the stacks. Raises RuntimeError if Empath or the load fails."""
    program = batch.build()
    with (
        fresh_place(below, holds=not case.is_relay, encrypted=case.is_encrypted, domains=case.next_hops) as place,
        running(Empath(), place) as live,
    ):
        sink_port = place.sink_port if case.is_relay else 0
        with batch.started(program, case, target_port=place.port, sink_port=sink_port, limit_s=limit_s) as load:
            load.await_warm()
            live.settle()
            with _watched(live.pid, stacks):
                load.go()
                load.report()


@contextmanager
def _watched(pid: int, stacks: Path) -> Iterator[None]:
    command = [str(_py_spy()), "record", "--pid", str(pid), "--rate", str(RATE_PER_S), "--gil"]
    command += ["--format", "raw", "--output", str(stacks)]
    spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)
        _, said = spy.communicate(timeout=30)
    if not stacks.exists():
        raise RuntimeError(f"py-spy has seen nothing:\n{said}")


def _py_spy() -> Path:
    """Find the py-spy of this interpreter's environment, or else the one on the PATH."""
    beside = Path(sys.executable).with_name("py-spy")
    elsewhere = shutil.which("py-spy")
    if beside.exists():
        return beside
    if elsewhere is None:
        sys.exit("there is no py-spy; python3 dev.py setup brings it")
    return Path(elsewhere)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Shows where Empath spends its time.")
    known = {case.name: case for case in (*RELAY, *RECEIVE)}
    parser.add_argument("--case", default="relay-1k", choices=known, metavar="CASE", help=f"one of {', '.join(known)}")
    parser.add_argument("--scale", type=float, default=4.0, help="times the messages of the case (4.0)")
    parser.add_argument("--top", type=int, default=10, help="how many functions are printed (10)")
    parser.add_argument("--limit", type=int, default=120, help="seconds after which the load is given up (120)")
    parser.add_argument("--stacks", type=Path, help="a file for the folded stacks")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="where the queue is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        stacks = options.stacks or Path(name) / "stacks"
        profile(known[options.case].scaled(options.scale), stacks, below=options.directory, limit_s=options.limit)
        print(table(shares(stacks.read_text().splitlines())[: options.top]))


if __name__ == "__main__":
    main()
