"""Remote hosts with limits that they do not tell: so many connections at once, so many messages a second."""

from collections import deque

import trio
from attrs import define, field

from empath.mail import Phase
from empath.sim.behaviour import Moment, Reaction
from empath.sim.network import VirtualNetwork
from empath.sim.remote import RemoteServer
from empath.smtp import Reply
from empath.world import TcpEndpoint

FULL = Reply(421, "too many connections from your host", "4.7.0")
FAST = Reply(450, "too many messages from you, slow down", "4.7.1")


@define(eq=False)
class HiddenLimits(RemoteServer):
    """Turns away what is too much, and remembers what it saw."""

    network: VirtualNetwork | None = None
    most_connections: int = 1000
    most_per_s: float = 1e9
    """Over the latest ten seconds."""
    turned_away: list[float] = field(init=False, factory=list)
    """When; Trio's clock."""
    seen: deque[float] = field(init=False, factory=deque)
    at_once: list[tuple[float, int]] = field(init=False, factory=list)
    """How many connections there were at each greeting."""

    def reaction(self, phase: Moment, address: str = "") -> Reaction | None:
        now = trio.current_time()
        if phase is Phase.GREETING:
            live = self._live()
            self.at_once.append((now, live))
            if live > self.most_connections:
                self.turned_away.append(now)
                return FULL
        if phase is Phase.MAIL:
            while self.seen and self.seen[0] <= now - 10:
                self.seen.popleft()
            self.seen.append(now)
            if len(self.seen) > 10 * self.most_per_s:
                self.turned_away.append(now)
                return FAST
        return RemoteServer.reaction(self, phase, address)

    def _live(self) -> int:
        if self.network is None:
            return 0
        ours = set(self.host.addresses)
        return sum(
            isinstance(link.server.local, TcpEndpoint) and link.server.local.host in ours and not link.client.closed
            for link in self.network.links
        )
