"""Measure MTAs side by side while they relay mail over the loopback interface: just bench relay --help.

Each run has an MTA of its own, started on an empty queue. One load program (bench/load) is source and sink for it: it
sends a warm-up, waits until the MTA rests, and then sends what is measured, while the sink and the connections to it
stay as they are. So neither start-up nor the opening of the first connections is in the figures. Every MTA syncs its
queue, writes its log and delivers to the same next hop.

A rate is messages divided by the time from the first connection to the last final dot at the sink (for receive cases:
to the last 250). Processor time is that of all processes of the MTA until it rests again. Memory is the peak of a look
each second and one at the end. On a machine that does other work, trust ratios more than rates.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from bench import batch
from bench.cases import RECEIVE, RELAY, Case
from bench.empath_mta import Empath
from bench.mta import Mta
from bench.postfix import Postfix
from bench.rounds import Conditions, Run, play
from bench.table import render

MTAS: Final[tuple[Mta, ...]] = (Empath(), Postfix(), Postfix(name="postfix-tuned", is_tuned=True))
ON_DEMAND: Final[tuple[Mta, ...]] = (Empath(name="empath-tuned", is_tuned=True),)
"""Measured only if somebody asks for it by name."""
SMOKE: Final = frozenset({"relay-1k", "relay-1m", "receive-1k"})
SMOKE_SCALE: Final = 0.1


def main(cases: Sequence[Case]) -> None:
    """Measure, print a table for each case, and end with status 1 when a run failed or mail was not treated right."""
    options = _parser(cases).parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every MTA is stopped on the way out
    mtas = _present(options.mta)
    if not mtas:
        sys.exit("no MTA to measure")
    if options.case:
        cases = [case for case in (*RELAY, *RECEIVE) if case.name in options.case]
    if options.smoke:
        cases = [case for case in cases if case.name in SMOKE]
        options.rounds, options.scale = 1, SMOKE_SCALE
    cases = [case.scaled(options.scale) for case in cases]
    conditions = Conditions(program=batch.build(), below=options.directory, limit_s=options.limit)
    runs: list[Run] = []
    failure: str | None = None
    try:
        for run in play(mtas, cases, rounds=options.rounds, conditions=conditions):
            runs.append(run)
            if options.json:
                options.json.write_text(as_json(runs))
    except KeyboardInterrupt:
        failure = "interrupted; this is what there is"
    except RuntimeError as error:
        failure = str(error)
    print(render(runs, against=options.against))
    if any(run.report.faults for run in runs):
        failure = failure or "some mail was lost, doubled, damaged or refused; those figures say nothing"
    sys.exit(failure)


def as_json(runs: Sequence[Run]) -> str:
    """Return every figure of every run, and what they were measured on."""
    machine = {"kernel": platform.release(), "cores": os.cpu_count(), "python": platform.python_version()}
    derived = [
        {"rate_per_s": run.rate_per_s, "cpu_ms_per_message": run.cpu_ms_per_message, **attrs.asdict(run)}
        for run in runs
    ]
    return json.dumps({"machine": machine, "runs": derived}, indent=1) + "\n"


def _present(names: Sequence[str]) -> list[Mta]:
    """Return the MTAs asked for (all, if none) that can run here, and tell of the others why not."""
    found: list[Mta] = []
    for mta in (*MTAS, *ON_DEMAND) if names else MTAS:
        if names and mta.name not in names:
            continue
        if reason := mta.absence():
            print(f"without {mta.name}: {reason}", file=sys.stderr)
        else:
            found.append(mta)
    return found


def _parser(cases: Sequence[Case]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Runs Empath and Postfix in turn, each in a fresh directory, and prints medians.",
        epilog=f"Cases: {', '.join(case.name for case in cases)}.",
    )
    names = [mta.name for mta in (*MTAS, *ON_DEMAND)]
    known = [case.name for case in (*RELAY, *RECEIVE)]
    parser.add_argument("--mta", action="append", default=[], choices=names, help="only this one; may be repeated")
    parser.add_argument("--case", action="append", default=[], choices=known, metavar="CASE", help="likewise")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is run (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="times the messages of each case (1.0)")
    parser.add_argument("--limit", type=int, default=60, help="seconds after which a batch is given up (60)")
    parser.add_argument("--against", default="postfix", choices=names, help="whom ratios refer to (postfix)")
    parser.add_argument("--json", type=Path, help="where to write all single figures")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="below which queues are made; it decides whose disk is measured (the temporary directory)",
    )
    parser.add_argument("--smoke", action="store_true", help="one small round of few cases, to see that it works")
    return parser


if __name__ == "__main__":
    main(RELAY)
