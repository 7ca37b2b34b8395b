"""Runs as tables: medians, ranges, and ratios to one of the MTAs. The form is that of reStructuredText."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from bench.batch import Percentiles
from bench.cases import MIB, Case
from bench.rounds import Run

NOTHING: Final = "--"

# Headings, and the figure of a run; None where there is none, as for the way to a sink that is not there.
FIGURES: Final[tuple[tuple[str, Callable[[Run], float | None]], ...]] = (
    ("CPU ms/msg", lambda run: run.cpu_ms_per_message),
    ("PSS MiB", lambda run: run.peak.pss_bytes / MIB),
    ("RSS MiB", lambda run: run.peak.rss_bytes / MIB),
    ("processes", lambda run: run.peak.processes),
    ("MAIL-250 p50", lambda run: _rank(run.report.reply_ms, "p50")),
    ("p95", lambda run: _rank(run.report.reply_ms, "p95")),
    ("p99", lambda run: _rank(run.report.reply_ms, "p99")),
    ("250-sink p50", lambda run: _rank(run.report.transit_ms, "p50")),
    ("p95", lambda run: _rank(run.report.transit_ms, "p95")),
    ("p99", lambda run: _rank(run.report.transit_ms, "p99")),
)


def render(runs: Sequence[Run], *, against: str) -> str:
    """Return one table for each case, in the order of the runs. Times in it are milliseconds."""
    cases = {run.case.name: run.case for run in runs}
    return "\n".join(_render_case(case, [run for run in runs if run.case == case], against) for case in cases.values())


def _render_case(case: Case, runs: Sequence[Run], against: str) -> str:
    header = ["MTA", "runs", "msg/s", "from..to", f"x {against}", *(heading for heading, _ in FIGURES), "faults"]
    reference = [run.rate_per_s for run in runs if run.mta == against]
    names = dict.fromkeys(run.mta for run in runs)
    rows = [_row([run for run in runs if run.mta == name], reference) for name in names]
    title = f"{case.name}: {case.describe()}"
    return f"{title}\n{'-' * len(title)}\n\n{simple_table(header, rows)}\n"


def _row(runs: Sequence[Run], reference: Sequence[float]) -> list[str]:
    rates = [run.rate_per_s for run in runs]
    ratio = f"{median(rates) / median(reference):.2f}" if reference and median(reference) else NOTHING
    figures = [_median(figure, runs) for _, figure in FIGURES]
    faults = str(sum(run.report.faults for run in runs))
    span = f"{_digits(min(rates))}..{_digits(max(rates))}"
    return [runs[0].mta, str(len(runs)), _digits(median(rates)), span, ratio, *figures, faults]


def _median(figure: Callable[[Run], float | None], runs: Sequence[Run]) -> str:
    known = [value for run in runs if (value := figure(run)) is not None]
    return _digits(median(known)) if known else NOTHING


def _digits(value: float) -> str:
    """Three figures say all that such measurements know."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _rank(percentiles: Percentiles | None, rank: str) -> float | None:
    return None if percentiles is None else float(getattr(percentiles, rank))


def simple_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in the simple form of reStructuredText."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)]
    return "\n".join(line.rstrip() for line in (rule, lines[0], rule, *lines[1:], rule))
