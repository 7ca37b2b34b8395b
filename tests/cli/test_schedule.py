"""``empath config explain retry``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from empath.cli.main import main

TEXT = """\
mode = "live"
hostname = "mx.example.org"
[delivery]
max_attempts = 4
[[delivery.retry.rules]]
classes = ["greylisted", "mailbox_full"]
base_delay = "5m"
[[delivery.retry.rules]]
domains = ["slow.example"]
base_delay = "1h"
max_age = "2h"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with rules."""
    path = tmp_path / "empath.toml"
    path.write_text(TEXT)
    return path


def explain(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["config", "explain", "retry", "--config", str(path), *arguments])


def test_each_schedule_is_printed_with_the_failures_that_have_it(file: Path) -> None:
    result = explain(file)
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
after any other failure
    1               0  then 1m
    2              1m  then 2m
    3              3m  then 4m
    4              7m
  end              7m  was the last attempt: the sender is told

after mailbox_full, greylisted
    1               0  then 5m
    2              5m  then 10m
    3             15m  then 20m
    4             35m
  end             35m  was the last attempt: the sender is told

after 4h there is one attempt more, and if it fails the sender is told
uncertain: no earlier than 15m after the attempt
"""
    )


def test_a_domain_has_the_schedules_of_its_rules(file: Path) -> None:
    result = explain(file, "Slow.Example")
    assert (
        "    2              1h  then 1h\n  end              2h  its time is over: the sender is told\n" in result.stdout
    )


def test_programs_get_the_same_as_one_object(file: Path) -> None:
    found = json.loads(explain(file, "slow.example", "--json").stdout)
    assert (found["schema"], found["domain"]) == ("empath.retry/1", "slow.example")
    assert found["schedules"][0] == {"classes": [], "attempts_at_s": [0.0, 3600.0], "end_s": 7200.0, "reason": "age"}
    assert found["schedules"][1]["classes"] == ["mailbox_full", "greylisted"]


def test_what_is_no_domain_is_refused(file: Path) -> None:
    result = explain(file, "a@b")
    assert result.exit_code == 64
    assert "DOMAIN" in result.stderr


def test_where_nobody_is_told_of_delays_nothing_is_said_of_them(file: Path) -> None:
    file.write_text(f'{TEXT}[delivery.dsn]\ndelay_warning_after = "0s"\n')
    assert "one attempt more" not in explain(file).stdout
