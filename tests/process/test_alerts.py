"""What is shipped for Prometheus and Grafana: it is valid, and speaks of nothing that the daemon does not export."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.peers import find, needs
from tests.process.daemon import Daemon
from tests.process.test_watching import get

ROOT = Path(__file__).parents[2]
PROMETHEUS, GRAFANA = ROOT / "conf" / "prometheus", ROOT / "conf" / "grafana" / "empath.json"
RUNBOOKS = (ROOT / "docs" / "operations.rst").read_text()
ALERTS = re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yml").read_text())
METRIC = re.compile(r"\b(?:empath|process)_[a-z0-9_]+")


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [str(find("promtool")), *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs("promtool")
@pytest.mark.parametrize("check", [("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")])
def test_the_files_are_valid(check: tuple[str, ...]) -> None:
    promtool(*check)


@needs("promtool")
def test_each_alert_comes_when_it_should_and_not_before() -> None:
    promtool("test", "rules", "alerts.test.yml")


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_tested_and_has_a_page_that_says_what_to_do(alert: str) -> None:
    assert f"alertname: {alert}\n" in (PROMETHEUS / "alerts.test.yml").read_text()
    assert f"\n{alert}\n{'-' * len(alert)}\n" in RUNBOOKS


def test_every_metric_that_they_name_is_exported(daemon: Daemon) -> None:
    panels = json.loads(GRAFANA.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    # A histogram that is empty has a help text only.
    named = set(METRIC.findall((PROMETHEUS / "alerts.yml").read_text() + "\n".join(queries)))
    exported = set(METRIC.findall(get(daemon, "/metrics")[1].decode()))
    assert daemon.stop() == 0
    assert sorted({name.removesuffix("_bucket") for name in named} - exported) == []
