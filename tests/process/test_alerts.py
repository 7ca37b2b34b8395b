"""What is shipped for Prometheus and Grafana: it is valid, and speaks of nothing that the daemon does not export."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.ops.test_series import BOUNDED, SERIES
from tests.peers import find, needs
from tests.process.daemon import Daemon
from tests.process.sink import Sink
from tests.process.test_shutdown import send_one
from tests.process.test_watching import get

ROOT = Path(__file__).parents[2]
PROMETHEUS, GRAFANA = ROOT / "conf" / "prometheus", ROOT / "conf" / "grafana" / "empath.json"
RUNBOOKS = (ROOT / "docs" / "operations.rst").read_text()
ALERTS = re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yml").read_text())
QUERIES = [
    *re.split(r"- alert:", (PROMETHEUS / "alerts.yml").read_text())[1:],
    *(target["expr"] for panel in json.loads(GRAFANA.read_text())["panels"] for target in panel["targets"]),
]
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


@needs("promtool")
def test_what_is_exported_is_as_prometheus_wants_it(sink: Sink, daemon: Daemon) -> None:
    """Once nothing has happened yet, and once mail has gone through."""
    before = after = get(daemon, "/metrics")[1]
    send_one(daemon)
    sink.wait(1)
    deadline = time.monotonic() + 60
    while b'empath_messages_finished_total{outcome="completed"} 1.0' not in after:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        after = get(daemon, "/metrics")[1]
    assert daemon.stop() == 0
    for text in (before, after):
        done = subprocess.run(
            [str(find("promtool")), "check", "metrics"], input=text, capture_output=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("query", QUERIES)
def test_every_label_that_they_ask_for_can_have_that_value(query: str) -> None:
    for name, asked in re.findall(r"\b(empath_[a-z0-9_]+)\{([^}]*)\}", query):
        row = SERIES[name.removesuffix("_bucket")]
        for label, operator, text in re.findall(r'(\w+)(=~|=|!=)"([^"]*)"', asked):
            if label not in {"instance", "job"}:
                assert label == row.label, (name, label)
                values = text.split("|") if operator == "=~" else [text]
                assert row.values is BOUNDED or set(values) <= set(row.values), (name, label)


def test_every_metric_that_they_name_is_exported(daemon: Daemon) -> None:
    panels = json.loads(GRAFANA.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    # A histogram that is empty has a help text only.
    named = set(METRIC.findall((PROMETHEUS / "alerts.yml").read_text() + "\n".join(queries)))
    exported = set(METRIC.findall(get(daemon, "/metrics")[1].decode()))
    assert daemon.stop() == 0
    assert sorted({name.removesuffix("_bucket") for name in named} - exported) == []
