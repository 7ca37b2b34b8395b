"""The pool: all connections that are open, for those who want to see them or have them closed.

Nobody takes a connection out of it. Each belongs to its sender, who takes what its lane gives it; here it is only
written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import trio
from attrs import define, field, frozen

from empath.delivery.talking.hop import Hop
from empath.smtp import State


@frozen(kw_only=True)
class Pooled:
    """One connection, as it is now."""

    site: str
    """Of the lane that it belongs to."""
    host: str
    address: str
    """With the port."""
    tls: str | None
    """The version; None: it is in clear."""
    messages: int
    """That were tried over it."""
    stage: str
    """How far the message is that is under way: ``mail``, ``rcpt``, ``data``, ``chunk``; ``idle``: there is none."""
    busy_s: float | None
    """For how long that message has been under way; None: there is none."""


@define(eq=False)
class Pool:
    """See the module."""

    _open: dict[Hop, tuple[str, Callable[[], None]]] = field(init=False, factory=dict)

    def enter(self, hop: Hop, site: str, dismiss: Callable[[], None]) -> None:
        """A connection is open. ``dismiss`` ends the wait for a next message, if there is one."""
        self._open[hop] = site, dismiss

    def leave(self, hop: Hop) -> None:
        """It is closed."""
        self._open.pop(hop, None)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    def __iter__(self) -> Iterator[Pooled]:
        """All of them, those that have been open for longest first."""
        return (_seen(hop, site) for hop, (site, _) in self._open.items())

    def close(self, *, site: str | None = None, host: str | None = None) -> int:
        """Close those of a lane, to a host, or all; how many. A message that is under way comes to its end first."""
        wanted = [
            (hop, dismiss)
            for hop, (own, dismiss) in self._open.items()
            if site in (None, own) and host in (None, hop.target.host)
        ]
        for hop, dismiss in wanted:
            hop.leaving = True
            if not _is_busy(hop):
                dismiss()
        return len(wanted)


def _is_busy(hop: Hop) -> bool:
    return hop.client.state is not State.READY or bool(hop.client.outstanding)


def _seen(hop: Hop, site: str) -> Pooled:
    is_busy = _is_busy(hop)
    # What left in one write has no stage: the machine is ready for the next message, and replies are due.
    stage = "idle" if not is_busy else "data" if hop.client.state is State.READY else hop.client.state.name.lower()
    return Pooled(
        site=site,
        host=hop.target.host,
        address=f"{hop.target.address}:{hop.target.port}",
        tls=None if hop.tls is None else hop.tls.version,
        messages=hop.transactions,
        stage=stage,
        busy_s=trio.current_time() - hop.busy_since if is_busy else None,
    )
