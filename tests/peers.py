"""Real peers: the programs of other people that some tests talk to, such as Postfix or swaks.

Mark such a test with `needs`. On a laptop that lacks a program the test is skipped and says what is missing. On the
build server (``CI`` is set) a missing program fails the test, so that no peer can drop out of the checks unnoticed.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

# Daemons live where an ordinary user's PATH does not reach.
DAEMON_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def needs(*commands: str) -> pytest.MarkDecorator:
    """Mark a test as one that runs these commands of the machine."""
    return pytest.mark.needs(*commands)


def mounts(*unshare: str) -> pytest.MarkDecorator:
    """Mark a test that mounts something in a name space of its own; a kernel may forbid that, whatever is installed."""
    tried = [
        str(find("unshare") or "false"),
        *unshare,
        "--mount",
        "mount",
        "-t",
        "tmpfs",
        "tmpfs",
        tempfile.gettempdir(),
    ]
    forbidden = subprocess.run(tried, capture_output=True, check=False).returncode != 0
    return pytest.mark.skipif(forbidden, reason="this kernel lets us mount nothing")


def find(command: str) -> Path | None:
    """Return the full path of a command, or None where it is not installed."""
    found = shutil.which(command, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *DAEMON_DIRECTORIES]))
    return Path(found) if found else None


def demand(*commands: str, in_ci: bool) -> None:
    """Skip the test that runs now, or fail it in CI, unless all commands are installed."""
    missing = [command for command in commands if find(command) is None]
    if not missing:
        return
    reason = f"not installed on this machine: {', '.join(missing)}"
    if in_ci:
        pytest.fail(f"{reason}; CI is set, so this is no reason to skip. Add the package to .ci/run.", pytrace=False)
    pytest.skip(reason)


def demand_for(item: pytest.Item) -> None:
    """Apply `demand` to the commands of all `needs` marks on a test, its class and its module."""
    commands = [command for mark in item.iter_markers("needs") for command in mark.args]
    demand(*commands, in_ci=bool(os.environ.get("CI")))
