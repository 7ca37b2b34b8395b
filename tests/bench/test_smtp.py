"""The measurements of the SMTP core run, and every figure stands in the table beside its goal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "smtp.py"


def test_each_figure_is_printed_beside_its_goal() -> None:
    pytest.importorskip("pyperf")
    command = [sys.executable, str(SCRIPT), "--debug-single-value", "--quiet"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    rows = [line.split() for line in done.stdout.partition("what ")[2].splitlines()[1:]]
    assert [row[0] for row in rows] == ["receive,", "receive,", "send,", "send,", "encode", "decode"]
    assert all("us" in row or row[-1] == "MB/s" for row in rows)
