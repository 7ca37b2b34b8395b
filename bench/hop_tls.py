"""Measure what TLS to the next hop costs Empath in processor time: just bench hop_tls --help.

Each round relays the same load twice, once in clear and once with TLS, over connections that stay open; which of the
two goes first changes with each round. What counts is the difference within a round, since a machine that does other
work changes from minute to minute. The first connections, with their handshakes, are opened in the warm-up.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from attrs import frozen

from bench import batch
from bench.cases import RELAY, Case
from bench.empath_mta import Empath
from bench.rounds import Conditions, Run, measure
from bench.table import simple_table

GOAL_MS: Final = 0.25
"""How much more a message may cost inside TLS."""
_CASES: Final = {case.name: case for case in RELAY}
CLEAR: Final = _CASES["relay-1k"]
ENCRYPTED: Final = _CASES["relay-1k-hop-tls"]


@frozen
class Pair:
    """The two runs of a round."""

    clear: Run
    encrypted: Run

    @property
    def difference_ms(self) -> float:
        """How much more processor time a message took inside TLS."""
        return self.encrypted.cpu_ms_per_message - self.clear.cpu_ms_per_message


def main() -> None:
    """Measure, print, and end with status 1 when mail was not treated right."""
    options = _parser().parse_args()
    clear, encrypted = CLEAR.scaled(options.scale), ENCRYPTED.scaled(options.scale)
    conditions = Conditions(program=batch.build(), below=Path(tempfile.gettempdir()), limit_s=60)
    pairs: list[Pair] = []
    for pair in play(clear, encrypted, rounds=options.rounds, conditions=conditions):
        print(f"round {len(pairs) + 1}: {pair.difference_ms:+.3f} ms per message", file=sys.stderr)
        pairs.append(pair)
    print(render(pairs))
    sys.exit(1 if any(run.report.faults for pair in pairs for run in (pair.clear, pair.encrypted)) else None)


def play(clear: Case, encrypted: Case, *, rounds: int, conditions: Conditions) -> Iterator[Pair]:
    """Yield the runs of each round."""
    for number in range(rounds):
        order = (clear, encrypted) if number % 2 == 0 else (encrypted, clear)
        runs = {case.name: measure(Empath(), case, conditions) for case in order}
        yield Pair(runs[clear.name], runs[encrypted.name])


def render(pairs: Sequence[Pair]) -> str:
    """A row for each way, and one for the difference: medians, and the range over the rounds."""
    rows = [
        _row("in clear", [pair.clear.cpu_ms_per_message for pair in pairs]),
        _row("with TLS", [pair.encrypted.cpu_ms_per_message for pair in pairs]),
        _row(f"difference (goal: {GOAL_MS:g})", [pair.difference_ms for pair in pairs]),
    ]
    return simple_table(["CPU ms/msg", "rounds", "median", "from..to"], rows)


def _row(name: str, figures: Sequence[float]) -> list[str]:
    return [name, str(len(figures)), f"{median(figures):.3f}", f"{min(figures):.3f}..{max(figures):.3f}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Relays the same load in clear and with TLS, in turn.")
    parser.add_argument("--rounds", type=int, default=7, help="how often both are run (7)")
    parser.add_argument("--scale", type=float, default=1.0, help="times the messages of each run (1.0)")
    return parser


if __name__ == "__main__":
    main()
