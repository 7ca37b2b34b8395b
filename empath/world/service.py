"""What a service manager is told, and how often: sd_notify(3) and sd_watchdog_enabled(3), by hand.

A notice is one datagram. It is asked for by the variable ``NOTIFY_SOCKET``, and signs of life by ``WATCHDOG_USEC``;
without them nothing is sent. A daemon whose event loop hangs gives no sign of life, and is started anew.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

import trio
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

READY: Final = "READY=1"
"""Everything listens."""
RELOADING: Final = "RELOADING=1"
"""The configuration is being read again; READY says when that is over."""
STOPPING: Final = "STOPPING=1"
"""The end has begun."""
ALIVE: Final = "WATCHDOG=1"
"""The event loop goes round."""

_PATIENCE_S: Final = 1.0
"""How long the event loop may stand still for a manager whose queue is full."""


def status(text: str) -> str:
    """A line for people, which ``systemctl status`` shows."""
    return f"STATUS={text}"


def moment() -> str:
    """When this is said. With RELOADING it tells the manager which request is meant (``Type=notify-reload``)."""
    return f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def more_time(seconds: float) -> str:
    """Ask not to be killed for so long, whatever the unit says."""
    return f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}"


@frozen
class ServiceManager:
    """Whoever started us, if it wants to hear from us."""

    address: str | None
    """Where it listens; None: it does not."""
    watchdog_s: float | None
    """After how many seconds without a sign of life it takes us for dead; None: never."""

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> ServiceManager:
        """Read what the environment of the process ``pid``, which is ours, says about it."""
        microseconds, meant_for = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(pid))
        watched = microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0 and meant_for == str(pid)
        return cls(environ.get("NOTIFY_SOCKET") or None, int(microseconds) / 1_000_000 if watched else None)

    def tell(self, *notices: str) -> bool:
        """Say something; whether there was somebody to say it to. A manager that does not listen is none."""
        if self.address is None:
            return False
        # A name that begins with @ is of the abstract namespace (unix(7)).
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(_PATIENCE_S)
            try:
                manager.sendto("\n".join(notices).encode(), address)
            except OSError:
                return False
        return True

    async def keep_watch(self) -> None:
        """Give signs of life until cancelled, twice in the time that is allowed, as sd_watchdog_enabled(3) advises."""
        while self.watchdog_s is not None:
            self.tell(ALIVE)
            await trio.sleep(self.watchdog_s / 2)
