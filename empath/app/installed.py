"""Which version is installed: another one than runs, after an upgrade and before the restart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

import empath
from empath.world.ports import Offload

_EVERY_S: Final = 60.0
_VERSION: Final = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


@define(eq=False)
class Installed:
    """Looks at the files of this package from time to time while ``run`` runs."""

    _offload: Offload
    _file: Path = field(factory=lambda: Path(empath.__file__))
    version: str | None = field(init=False, default=None)
    """What a restart would run; None: nobody knows, as while files are being exchanged."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.version = await self._offload.run(self._read)
            await trio.sleep(_EVERY_S)

    def _read(self) -> str | None:
        try:
            found = _VERSION.search(self._file.read_text())
        except OSError:
            return None
        return None if found is None else found[1]
