"""The file of those who can log in, as an administrator changes it: line by line, and as a whole or not at all.

Comments and the order of lines stay as they are. The new file has mode 0600 and the owner of the old one, lest root
take it away from the daemon by adding a user. Two commands at once wait for each other: the directory is locked.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from empath.cli.complaint import Code, Complaint
from empath.ingress.logins.credentials import Credential, parse_line, parse_users
from empath.world.rewriting import locked, replace

Change = Callable[[Mapping[str, Credential]], Mapping[str, Credential | None]]
"""From the users there are to those that are to be put in, or for None taken out. May raise Complaint."""


@frozen
class UsersFile:
    """One file, which need not be there yet."""

    path: Path
    owner: str | None = None
    """To whom root gives a file that it makes; None: it keeps it."""

    def read(self) -> Mapping[str, Credential]:
        """The users by login; none if there is no file. Raises Complaint."""
        return self._parsed(self._content())

    def change(self, change: Change) -> None:
        """Write the file anew, with what ``change`` asks for. Raises Complaint, and then nothing has changed."""
        path = self.path.resolve()  # a link to the file stays one
        with self._explaining("write", os.EX_CANTCREAT), locked(path.parent):
            content = self._content()
            lines = dict(change(self._parsed(content)))
            replace(path, _rewritten(content, lines), owner=self._new_owner(path))

    def _content(self) -> bytes:
        with self._explaining("read", os.EX_NOINPUT):
            try:
                return self.path.read_bytes()
            except FileNotFoundError:
                return b""

    def _parsed(self, content: bytes) -> Mapping[str, Credential]:
        try:
            return parse_users(content)
        except ValueError as problem:
            raise Complaint(
                Code.USERS,
                f"{self.path}, {problem}",
                why="nothing was changed; a daemon that runs goes on with what it has read before",
                remedy="repair or remove that line",
                status=os.EX_DATAERR,
            ) from problem

    def _new_owner(self, path: Path) -> tuple[int, int] | None:
        """User and group that the new file is to have; None: ours."""
        try:
            old = path.stat()
        except FileNotFoundError:
            if self.owner is None or os.geteuid() != 0:
                return None
            user = _user(self.owner)
            return user.pw_uid, user.pw_gid
        return old.st_uid, old.st_gid

    @contextmanager
    def _explaining(self, doing: str, status: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Complaint(
                Code.USERS,
                f"cannot {doing} {self.path}: {error.strerror}",
                why="nothing was changed",
                remedy="check the path, and run this as root or as the owner of the file",
                status=status,
            ) from error


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Complaint(
            Code.USERS,
            f"there is no user {name} on this machine",
            why="the key `user` names it, and the file is to belong to it",
            remedy=f"make it: useradd --system {name}",
            status=os.EX_OSERR,
        ) from None


def _rewritten(content: bytes, lines: dict[str, Credential | None]) -> bytes:
    kept: list[str] = []
    for line in content.decode().splitlines():
        said = parse_line(line)
        if said is None or said[0] not in lines:
            kept.append(line)
        elif (credential := lines.pop(said[0])) is not None:
            kept.append(f"{said[0]}:{credential.text}")
    kept += [f"{login}:{credential.text}" for login, credential in lines.items() if credential is not None]
    return "".join(f"{line}\n" for line in kept).encode()
