"""A disk as one run of a program has it: after a loss of power that run reaches it no more.

Handles are stale then by themselves. Calls that take a path would still work, and a simulated program that was cut off
may make some before its tasks are cancelled: a real one makes none.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NoReturn, cast

from attrs import define, field

from empath.sim.platter import refusal

if TYPE_CHECKING:
    from empath.sim.disk import SimulatedFiles
    from empath.world.files import FileCalls


@define(eq=False)
class _Mounted:
    _files: SimulatedFiles
    _crashes: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._crashes = self._files.crashes

    def __getattr__(self, call: str) -> object:
        return getattr(self._files, call) if self._files.crashes == self._crashes else _refuse


def _refuse(*arguments: object) -> NoReturn:
    raise refusal(errno.EIO, str(arguments[0]))


def mounted(files: SimulatedFiles) -> FileCalls:
    """The calls of a disk until its next crash, and errors after that."""
    return cast("FileCalls", _Mounted(files))
