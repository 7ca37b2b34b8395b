"""``empath config why``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from empath.cli.main import main

FILE = """mode = "live"
hostname = "mx.example.org"
[[smtp.listeners]]
listen_addr = "127.0.0.1:2525"
[delivery.sites.google]
domains = ["gmail.com"]
rate_limit = "200/min burst 5"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "empath.toml"
    path.write_text(FILE)
    return path


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["config", "why", "--config", str(file), *arguments])


def test_it_says_value_and_place(file: Path) -> None:
    result = run(file, "rate_limit", "--domain", "gmail.com")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        'rate_limit of gmail.com = "200/min burst 5"',
        f'delivery.sites.google.rate_limit\t"200/min burst 5"\t{file}:7\tthis one counts',
    ]


def test_a_key_of_a_listener_is_found_by_its_number(file: Path) -> None:
    result = run(file, "smtp.listeners[0].listen_addr")
    assert result.stdout.startswith('smtp.listeners[0].listen_addr = "127.0.0.1:2525"\n')
    assert f"{file}:4" in result.stdout


def test_json_is_one_object(file: Path) -> None:
    found = json.loads(run(file, "delivery.max_attempts", "--json").stdout)
    assert (found["schema"], found["value"], found["domain"]) == ("empath.config-why/1", "25", None)
    assert found["said"] == [
        {"key": "delivery.max_attempts", "value": "25", "source": "default", "line": None, "counts": True}
    ]


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["delivery"], ["a b"], ["x", "--domain", "a.example"], ["ip", "--domain", "a..b"]]
)
def test_what_cannot_be_asked_has_the_status_of_a_wrong_command_line(file: Path, arguments: list[str]) -> None:
    result = run(file, *arguments)
    assert result.exit_code == 64
    assert "Error: " in result.stderr
