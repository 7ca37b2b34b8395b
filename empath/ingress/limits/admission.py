"""Who may open a session: sessions are counted in all, for each client and for each network; and so are arrivals.

A client over a limit is told so with 421 and may come back; it is never left to hang. What is counted of open sessions
is as large as their number and no larger; arrivals are kept in a `Quota`, which has a bound of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio
from attrs import define, field

from empath.policy.quota import Quota
from empath.policy.reception.prefix import Prefixes
from empath.smtp import Reply

NETWORK_SHARE: Final = 4
"""How many clients at their limit a network may have, unless it has a limit of its own."""
_CROWD: Final = 0.8
"""The share of all sessions above which each of them has to be quick."""
_CROWDED: Final = Reply(421, "too many sessions, try again later", "4.3.2")
_TOO_MANY: Final = Reply(421, "too many sessions from your address, try again later", "4.7.0")
_TOO_MANY_BESIDE: Final = Reply(421, "too many sessions from your network, try again later", "4.7.0")
_TOO_OFTEN: Final = Reply(421, "too many sessions in a short time from your address, try again later", "4.7.0")


@define(eq=False)
class Admission:
    """Counts open sessions. ``refusal`` says whether a further one is too many."""

    max_sessions: int
    max_sessions_per_address: int
    max_sessions_per_network: int | None = field(default=None, kw_only=True)
    """None: ``NETWORK_SHARE`` times the limit of an address."""
    prefixes: Prefixes = field(factory=Prefixes, kw_only=True)
    arrivals: Quota | None = field(default=None, kw_only=True)
    """How often a client may come; None: as often as it likes."""
    clock: Callable[[], float] = field(default=trio.current_time, kw_only=True)
    """Monotonic."""
    open: int = field(init=False, default=0)
    """Sessions that are open now."""
    _by_client: Counter[str] = field(init=False, factory=Counter)
    _by_network: Counter[str] = field(init=False, factory=Counter)

    def renew(self, other: Admission) -> None:
        """Go by the limits of another one from now on; who is here stays, and is counted as before."""
        self.max_sessions, self.max_sessions_per_address = other.max_sessions, other.max_sessions_per_address
        self.max_sessions_per_network = other.max_sessions_per_network
        self.prefixes, self.arrivals = other.prefixes, other.arrivals

    @property
    def crowded(self) -> bool:
        """Whether so many sessions are open that there will soon be no room for clients that mean well."""
        return self.open > _CROWD * self.max_sessions

    @property
    def full(self) -> bool:
        """Whether there is no room for anybody."""
        return self.open >= self.max_sessions

    def refusal(self, address: str) -> Reply | None:
        """What to say to a new client instead of the greeting; None: it may come in. Each call is an arrival."""
        client, network = self.prefixes.client(address), self.prefixes.network(address)
        if self.full:
            return _CROWDED
        if self._by_client[client] >= self.max_sessions_per_address:
            return _TOO_MANY
        most = self.max_sessions_per_network or NETWORK_SHARE * self.max_sessions_per_address
        if self._by_network[network] >= most:
            return _TOO_MANY_BESIDE
        if self.arrivals is not None and not self.arrivals.take(client, self.clock()):
            return _TOO_OFTEN
        return None

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Count a connection of a client that is not known yet: among all, and for nobody."""
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    @contextmanager
    def admit(self, address: str) -> Iterator[None]:
        """Count a session of ``address`` for the time of the context."""
        client, network = self.prefixes.client(address), self.prefixes.network(address)
        counts = ((self._by_client, client), (self._by_network, network))
        self.open += 1
        for counter, key in counts:
            counter[key] += 1
        try:
            yield
        finally:
            self.open -= 1
            for counter, key in counts:
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]
