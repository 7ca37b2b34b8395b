"""What tables say of runs."""

from attrs import evolve

from bench.batch import Percentiles, Report
from bench.cases import Case
from bench.process_tree import Memory
from bench.relay import as_json
from bench.rounds import Run
from bench.table import render, simple_table

REPORT = Report(
    accepted=100,
    arrived=100,
    lost=0,
    doubled=0,
    damaged=0,
    refused=0,
    strange=0,
    timed_out=False,
    last_reply_s=0.25,
    last_arrival_s=0.5,
    reply_ms=Percentiles(1, 2, 3),
    transit_ms=Percentiles(4, 5, 6),
    behind_ms=0,
    sink_connections=1,
    load_cpu_s=0.01,
    complaint="",
)
RELAYED = Run(mta="one", case=Case(name="relay", messages=100), report=REPORT, cpu_s=0.08, peak=Memory())
HELD = evolve(RELAYED, case=Case(name="receive", messages=100, is_relay=False))


def test_a_relayed_message_counts_when_it_is_there_and_a_held_one_when_it_is_promised() -> None:
    assert (RELAYED.rate_per_s, HELD.rate_per_s) == (200, 400)


def test_processor_time_is_told_per_message() -> None:
    assert RELAYED.cpu_ms_per_message == 0.8


def test_a_row_has_the_median_the_range_and_the_ratio_to_the_reference() -> None:
    slow, fast = (evolve(RELAYED, report=evolve(REPORT, last_arrival_s=took_s)) for took_s in (1, 0.25))
    other = evolve(RELAYED, mta="other", report=evolve(REPORT, last_arrival_s=0.25, lost=3))
    text = render([slow, RELAYED, fast, other], against="one")
    rows = [line.split() for line in text.splitlines() if line.startswith(("one", "other"))]
    assert [row[:5] for row in rows] == [
        ["one", "3", "200", "100..400", "1.00"],
        ["other", "1", "400", "400..400", "2.00"],
    ]
    assert [row[-1] for row in rows] == ["0", "3"]


def test_without_the_reference_there_is_no_ratio() -> None:
    assert " -- " in render([RELAYED], against="other")


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert simple_table(["a", "long"], [["wide", "b"]]).splitlines() == [
        "====  ====",
        "a     long",
        "====  ====",
        "wide  b",
        "====  ====",
    ]


def test_every_figure_is_in_the_json() -> None:
    text = as_json([RELAYED])
    for name in ("rate_per_s", "cpu_ms_per_message", "pss_bytes", "sink_connections", "p99", "kernel"):
        assert f'"{name}"' in text
