"""Programs of Debian 13, in a root of their own: for those that do not work in the version that this machine has.

They need a newer C library as well, so all of it is unpacked into a directory, which becomes their root. The packages
come by apt-get, with lists of its own: what the machine itself knows of packages is left as it is.
"""

import functools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pytest

_KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SOURCE: Final = f"deb [signed-by={_KEYS}] http://deb.debian.org/debian trixie main\n"
_LIBRARIES: Final = (
    *("libc6", "libcrypt1", "libdb5.3t64", "libevent-2.1-7t64", "libpam0g", "libssl3t64", "zlib1g"),
    *("libaudit1", "libcap-ng0", "libzstd1", "dash"),
)
_LINKS: Final = ("lib", "lib64", "bin", "sbin")
_DIRECTORIES: Final = ("dev", "run", "tmp", "etc/ssl/certs", "var/spool", "var/lib")


@functools.cache
def root_with(package: str) -> Path:
    """A root directory with a program and what it needs, unpacked once for all tests of a run."""
    directory = Path(tempfile.gettempdir(), "empath-peers", f"debian13-{package}")
    root = directory / "root"
    if not (root / "usr").exists():
        directory.mkdir(parents=True, exist_ok=True)
        try:
            _fetch(directory, package, *_LIBRARIES)
        except subprocess.CalledProcessError as problem:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"the packages of Debian 13 cannot be had: {problem.stderr!r}")
        for archive in directory.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    for name in _LINKS:
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("passwd", "group"):
        (root / "etc" / name).touch()
    if not (root / "var/run").exists():
        (root / "var/run").symlink_to("/run")
    return root


def _fetch(directory: Path, *packages: str) -> None:
    for name in ("lists/partial", "cache/archives/partial"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "sources.list").write_text(_SOURCE)
    (directory / "status").touch()
    options = {
        "Dir::Etc::sourcelist": directory / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": directory / "lists",
        "Dir::State::status": directory / "status",
        "Dir::Cache": directory / "cache",
    }
    command = ["apt-get", "--quiet", *(f"--option={name}={value}" for name, value in options.items())]
    for verb in (["update"], ["download", *packages]):
        subprocess.run([*command, *verb], cwd=directory, check=True, capture_output=True, timeout=120)
