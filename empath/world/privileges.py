"""Whom the process runs as: giving up root for good, and files that belong to somebody else.

Root is given up by all threads at once (nptl(7)), with all groups and, since no user id is left that is root's, with
all capabilities (capabilities(7), "effect of user ID changes"). Nothing brings them back.
"""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from empath.world.errors import PrivilegesKept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = 0


def is_root() -> bool:
    """Whether the process may do everything."""
    return os.geteuid() == ROOT


def become(name: str) -> None:
    """Become the user ``name``, with the groups it has, and never again anybody else. Raises `PrivilegesKept`.

    If we are that user already nothing is done, so one configuration serves root and a service manager alike.
    """
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise PrivilegesKept(f"there is no user {name}") from None
    if user.pw_uid == ROOT:
        raise PrivilegesKept(f"the user {name} is root itself")
    if os.getresuid() == (user.pw_uid,) * 3:
        return
    try:
        os.setgroups(os.getgrouplist(name, user.pw_gid))
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    except OSError as error:
        raise PrivilegesKept(f"{name_of(os.geteuid())} cannot become {name}: {error.strerror}") from error
    if ROOT in (*os.getresuid(), *os.getresgid()):
        raise PrivilegesKept(f"the process became {name} and is still root")


def strangers(*paths: Path) -> Iterator[tuple[Path, str]]:
    """Yield what belongs to another user than ours, with that user's name.

    What is missing, or cannot be looked at, is for those to find who need it.
    """
    for path in paths:
        try:
            owner = path.stat(follow_symlinks=False).st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            yield path, name_of(owner)


def name_of(uid: int) -> str:
    """Return the name of a user, or its number if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
