"""The promise of `tests.peers`: a missing peer is a skip on a laptop and a failure in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import peers
from tests.peers import demand, find, needs

ROOT = Path(__file__).parents[1]
ABSENT = "a-program-that-nobody-installs"


@needs("sh")
def test_a_test_whose_peers_are_there_runs() -> None:
    assert find("sh") is not None


def test_a_missing_peer_is_a_skip_on_a_laptop() -> None:
    with pytest.raises(pytest.skip.Exception, match=ABSENT):
        demand("sh", ABSENT, in_ci=False)


def test_a_missing_peer_is_a_failure_in_ci() -> None:
    with pytest.raises(pytest.fail.Exception, match=ABSENT):
        demand("sh", ABSENT, in_ci=True)


def test_daemons_are_found_outside_the_path_of_an_ordinary_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = tmp_path / "maild"
    daemon.touch(mode=0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(peers, "DAEMON_DIRECTORIES", (str(tmp_path),))
    assert find("maild") == daemon


@pytest.mark.parametrize(("ci", "summary"), [("", "1 passed, 1 skipped"), ("true", "1 passed, 1 error")])
def test_the_mark_is_obeyed_in_a_real_run(tmp_path: Path, ci: str, summary: str) -> None:
    (tmp_path / "test_marked.py").write_text(
        "from tests.peers import needs\n\n"
        f"@needs({ABSENT!r})\ndef test_with_an_absent_peer():\n    pass\n\n"
        "@needs('sh')\ndef test_with_a_present_peer():\n    pass\n"
    )
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert summary in run.stdout
    assert bool(run.returncode) == bool(ci)
