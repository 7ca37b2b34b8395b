"""Whom the process runs as. What only root can try runs in a process of its own, and only where the tests are root."""

import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from empath.world.errors import PrivilegesKept
from empath.world.privileges import become, is_root, name_of, strangers

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

CHILD: Final = """
import os, sys, threading
from empath.world.privileges import become, is_root

go, gone = threading.Event(), threading.Event()
ids = []
def other() -> None:
    go.wait()
    ids.append(open("/proc/thread-self/status").read())
thread = threading.Thread(target=other)
thread.start()
become("nobody")
go.set()
thread.join()
lines = dict(line.split(":", 1) for line in ids[0].splitlines())
print(set(lines["Uid"].split()), set(lines["Gid"].split()), lines["CapEff"].strip(), lines["CapPrm"].strip())
ways = [
    lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setresuid(-1, 0, -1), lambda: os.setgid(0),
    lambda: os.setegid(0), lambda: os.setgroups([0]), lambda: os.chroot("/"), lambda: os.setresuid(0, 0, 0),
]
for way in ways:
    try:
        way()
    except PermissionError:
        continue
    print("a way back")
print(is_root(), sorted(os.getgroups()))
become("nobody")
print("still nobody")
"""


def in_child(code: str) -> list[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True, timeout=20)
    return done.stdout.splitlines()


@AS_ROOT
def test_root_becomes_a_user_in_all_threads_and_there_is_no_way_back() -> None:
    nobody = pwd.getpwnam("nobody")
    none = "0" * 16
    assert in_child(CHILD) == [
        f"{ {str(nobody.pw_uid)} } { {str(nobody.pw_gid)} } {none} {none}",
        f"False {sorted(os.getgrouplist('nobody', nobody.pw_gid))}",
        "still nobody",
    ]


@AS_ROOT
def test_a_user_cannot_become_another_one() -> None:
    code = """
from empath.world.errors import PrivilegesKept
from empath.world.privileges import become
become("nobody")
try:
    become("daemon")
except PrivilegesKept as problem:
    print(problem)
"""
    assert in_child(code) == ["nobody cannot become daemon: Operation not permitted"]


@pytest.mark.parametrize(
    ("name", "reason"), [("no-such-user", "there is no user no-such-user"), ("root", "the user root is root itself")]
)
def test_a_user_that_is_none_or_is_root_is_refused(name: str, reason: str) -> None:
    with pytest.raises(PrivilegesKept, match=reason):
        become(name)


def test_to_become_who_one_is_takes_no_rights() -> None:
    if is_root():
        pytest.skip("root cannot be asked for")
    become(pwd.getpwuid(os.geteuid()).pw_name)


def test_what_belongs_to_others_is_told_with_their_names(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.touch()
    assert list(strangers(tmp_path, ours, tmp_path / "missing", ours / "below a file")) == []
    if is_root():
        nobody = pwd.getpwnam("nobody").pw_uid
        theirs = tmp_path / "theirs"
        theirs.symlink_to(ours)
        os.chown(theirs, nobody, -1, follow_symlinks=False)
        assert list(strangers(ours, theirs)) == [(theirs, "nobody")]
    else:
        assert list(strangers(Path("/"))) == [(Path("/"), "root")]


def test_a_user_without_a_name_is_a_number() -> None:
    assert name_of(0) == "root"
    assert name_of(4_000_000_000) == "user 4000000000"
