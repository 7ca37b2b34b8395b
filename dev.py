#!/usr/bin/env python3
"""From a clean checkout to any recipe of the Justfile: ``python3 dev.py RECIPE [ARGUMENT ...]``.

Python 3.11 with venv and pip is all that a machine must have. This file makes ``.venv``, installs Empath there in
editable form with its development group, and hands over to ``just``, which comes from the package index like the rest.
So a stranger has one command to run Empath and one to test it, and the Justfile stays the one place that says how
anything is done.

It is Python and no shell script because Python is the one thing that is there before anything is installed. It does
what a line in the README could not: the pip that comes with Python 3.11 does not know dependency groups (PEP 735), so a
newer one is brought first; the environment is made anew when the checkout moved or another Python runs this file, and
brought up to date when ``pyproject.toml`` changed. When there is nothing to do, the hand-over costs some milliseconds.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "dev.py-stamp"


def place() -> str:
    """Return what a virtual environment cannot survive a change of: the interpreter and the path of the checkout."""
    return f"Python {sys.version_info.major}.{sys.version_info.minor} in {ROOT}"


def wanted_stamp() -> str:
    """Return the stamp of an environment that is fit for this checkout as it is now."""
    return f"{place()}\n{hashlib.sha256((ROOT / 'pyproject.toml').read_bytes()).hexdigest()}\n"


def run(*command: str) -> None:
    """Run one step of the installation in the checkout, and end here when it fails."""
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        sys.exit(
            f"dev.py: `{' '.join(command)}` failed with exit status {status}; its own message is above.\n"
            "dev.py: it needs Python's venv and pip (Debian: apt install python3-venv) and a package index in reach."
        )


def prepare() -> None:
    """Make ``.venv`` fit for this checkout. Every step may be repeated, so an interrupted run needs no cleaning up."""
    found = STAMP.read_text() if STAMP.exists() else ""
    if found == wanted_stamp():
        return
    print(f"dev.py: installing into {VENV}", file=sys.stderr, flush=True)
    STAMP.unlink(missing_ok=True)
    stale = bool(found) and not found.startswith(place() + "\n")
    run(sys.executable, "-m", "venv", *(["--clear"] if stale else []), str(VENV))
    pip = (str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--upgrade", "pip>=25.1")
    run(*pip, "--group", "dev", "--editable", ".")
    STAMP.write_text(wanted_stamp())


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(f"dev.py: this is Python {sys.version.split()[0]}; Empath needs 3.11 or newer.")
    prepare()
    just = str(VENV / "bin" / "just")
    os.execv(just, [just, "--justfile", str(ROOT / "Justfile"), *sys.argv[1:]])
