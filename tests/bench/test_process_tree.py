"""What the benchmark says a program costs is what it costs."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench import process_tree

BURNED_S = 0.15
# A child burns processor time and ends; another one holds memory and waits for as long as its parent does.
PROGRAM = f"""
import os, sys, time
if not os.fork():
    while time.process_time() < {BURNED_S}:
        pass
    os._exit(0)
os.wait()
if not os.fork():
    held = b"x" * (32 << 20)
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)
os.wait()
"""


@pytest.fixture(scope="module")
def root() -> Iterator[int]:
    """The process id of the program, both children started."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid


def test_time_of_descendants_that_have_ended_counts(root: int) -> None:
    assert BURNED_S <= process_tree.cpu_s(root) < 10 * BURNED_S


def test_memory_of_all_that_live_counts(root: int) -> None:
    held = process_tree.memory(root)
    assert held.processes == 2
    assert 32 << 20 <= held.pss_bytes <= held.rss_bytes


def test_a_peak_is_remembered(root: int) -> None:
    with process_tree.watched(root) as peak:
        pass
    assert peak.seen.rss_bytes >= 32 << 20


def test_a_process_that_is_gone_costs_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert process_tree.tree(process.pid) == []
    assert process_tree.cpu_s(process.pid) == 0
