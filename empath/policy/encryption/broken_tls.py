"""Hosts whose TLS is offered and does not work, so that not every connection has to find that out anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from attrs import define, field


@define(eq=False)
class BrokenTls:
    """A bounded table. When it is full, the host that was found broken longest ago is forgotten. Time is monotonic."""

    span_s: float
    """For how long a host is remembered; 0: not at all."""
    max_hosts: int
    _until: OrderedDict[Hashable, float] = field(init=False, factory=OrderedDict)

    def remember(self, host: Hashable, now: float) -> None:
        """Note that the TLS of a host is broken."""
        self._until[host] = now + self.span_s
        self._until.move_to_end(host)
        if len(self._until) > self.max_hosts:
            self._until.popitem(last=False)

    def has(self, host: Hashable, now: float) -> bool:
        """Whether a host is known for it."""
        until = self._until.get(host)
        if until is not None and until <= now:
            del self._until[host]
            return False
        return until is not None
