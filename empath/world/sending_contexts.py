"""The TLS contexts for sending mail, made when they are first needed and then kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from empath.world.ports import Offload
from empath.world.tls import TlsContext, opportunistic_context, trusting_context


@define(eq=False)
class SendingContexts:
    """Two contexts: one that asks nobody who he is, and one that wants certificates of authorities."""

    _offload: Offload
    ca_file: Path | None = field(default=None, kw_only=True)
    """Authorities that are trusted beside those of the system."""
    opportunistic: TlsContext = field(init=False, factory=opportunistic_context)
    _trusting: TlsContext | None = field(init=False, default=None)
    _making: trio.Lock = field(init=False, factory=trio.Lock)

    async def trusting(self) -> TlsContext:
        """Return the one that verifies chains and accepts any name. Raises `CertificateUnusable`.

        Reading all authorities of a system takes tens of milliseconds, so it is done in a thread, and once.
        """
        if self._trusting is None:
            async with self._making:
                if self._trusting is None:
                    self._trusting = await self._offload.run(partial(trusting_context, ca_file=self.ca_file))
        return self._trusting
