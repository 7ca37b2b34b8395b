"""Rounds of measurements: every case on every MTA once in each, so that a bad minute of the machine hits all alike."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from bench import batch, process_tree
from bench.batch import Report
from bench.cases import Case
from bench.mta import Mta, fresh_place, running
from bench.process_tree import Memory


@frozen(kw_only=True)
class Run:
    """What one MTA did with one case once."""

    mta: str
    case: Case
    report: Report
    cpu_s: float
    """Processor time of all its processes, from the start of the measured part until it rests again."""
    peak: Memory

    @property
    def done(self) -> int:
        """Messages that went the whole way that the case asks for."""
        return self.report.arrived if self.case.is_relay else self.report.accepted

    @property
    def rate_per_s(self) -> float:
        """Those messages, divided by the time until the last of them had gone it."""
        took_s = self.report.last_arrival_s if self.case.is_relay else self.report.last_reply_s
        return self.done / took_s if took_s else 0.0

    @property
    def cpu_ms_per_message(self) -> float:
        """Which is the same number as seconds for a thousand messages."""
        return 1000 * self.cpu_s / max(1, self.done)


@frozen(kw_only=True)
class Conditions:
    """What all runs have in common."""

    program: Path
    """The load program."""
    below: Path
    """The directory on whose disk the queues lie."""
    limit_s: int
    """After which a batch is given up."""


def measure(mta: Mta, case: Case, conditions: Conditions) -> Run:
    """Run one case on one MTA, with an empty queue in a fresh directory. Raises RuntimeError if one of them fails."""
    with (
        fresh_place(
            conditions.below, holds=not case.is_relay, encrypted=case.is_encrypted, domains=case.next_hops
        ) as place,
        running(mta, place) as live,
    ):
        sink_port = place.sink_port if case.is_relay else 0
        with batch.started(
            conditions.program, case, target_port=place.port, sink_port=sink_port, limit_s=conditions.limit_s
        ) as load:
            load.await_warm()
            live.settle()
            before_s = process_tree.cpu_s(live.pid)
            with process_tree.watched(live.pid) as peak:
                load.go()
                report = load.report()
            live.settle()
            cpu_s = process_tree.cpu_s(live.pid) - before_s
    return Run(mta=mta.name, case=case, report=report, cpu_s=cpu_s, peak=peak.seen)


def play(mtas: Sequence[Mta], cases: Sequence[Case], *, rounds: int, conditions: Conditions) -> Iterator[Run]:
    """Yield each run as it ends, and tell of it on standard error. The MTA that goes first changes with each round."""
    for number in range(rounds):
        turn = number % len(mtas)
        for case in cases:
            for mta in (*mtas[turn:], *mtas[:turn]):
                run = measure(mta, case, conditions)
                complaint = f", {run.report.complaint}" if run.report.complaint else ""
                print(
                    f"round {number + 1}: {case.name}, {mta.name}: {run.rate_per_s:.0f}/s,"
                    f" {run.report.faults} faults{complaint}",
                    file=sys.stderr,
                )
                yield run
