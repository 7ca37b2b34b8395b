"""Copying a large body from where one side keeps it to where the other does, if it is what was accepted."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from empath.spool.contract import BodyFile
from empath.spool.stored import checksum
from empath.world.draft import Draft
from empath.world.files import FileCalls
from empath.world.ports import TEMPORARY_SUFFIX

_BLOCK_BYTES: Final = 256 * 1024


def copy_body(body: BodyFile, source: tuple[FileCalls, PurePath], target: tuple[FileCalls, PurePath]) -> str | None:
    """Copy a body file between two directories, durably; why it cannot be: it is not what was accepted.

    Raises `OSError` and `DiskError`: one of the sides fails.
    """
    (calls, directory), (target_calls, target_directory) = source, target
    try:
        handle = calls.open(str(directory / body.name))
    except FileNotFoundError:
        return f"its body {directory / body.name} is missing"
    path = target_directory / body.name
    draft = Draft(target_calls, path, path.with_name(f"{path.name}.convert{TEMPORARY_SUFFIX}"))
    try:
        _throw_away_former(target_calls, draft.temporary)
        draft.begin()
        found = at = 0
        while block := calls.read_at(handle, _BLOCK_BYTES, at):
            draft.append(block)
            at, found = at + len(block), checksum(block, found)
        if at != body.size_bytes or body.checksum not in (None, found):
            return f"its body {directory / body.name} is not what was accepted"
        draft.finish()
        return None
    finally:
        draft.throw_away()
        calls.close(handle)


def _throw_away_former(calls: FileCalls, temporary: PurePath) -> None:
    """An earlier conversion may have been cut off in the middle of this very body."""
    try:
        calls.unlink(str(temporary))
    except FileNotFoundError:
        return
