"""A whole world from one seed, with a handle on everything that can be made to happen in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from empath.sim.clock import SimulatedClock
from empath.sim.disk import SimulatedFiles
from empath.sim.entropy import SeededEntropy
from empath.sim.fetch import TableFetch
from empath.sim.network import VirtualNetwork
from empath.sim.offload import InlineOffload
from empath.sim.resolver import SimulatedResolver
from empath.sim.zones import Zones
from empath.world import World
from empath.world.disk import DurableDisk

if TYPE_CHECKING:
    from empath.sim.network import VirtualHost

ADDRESSES = ("192.0.2.1", "2001:db8::1")
"""Where Empath lives, from the blocks that are kept for documentation (RFC 5737, RFC 3849)."""


@define(eq=False)
class SimulatedWorld:
    """One world and the machinery behind it. ``host`` is the machine that ``world`` is seen from."""

    seed: int
    addresses: tuple[str, ...] = ADDRESSES
    clock: SimulatedClock = field(init=False, factory=SimulatedClock)
    entropy: SeededEntropy = field(init=False)
    network: VirtualNetwork = field(init=False, factory=VirtualNetwork)
    host: VirtualHost = field(init=False)
    zones: Zones = field(init=False, factory=Zones)
    resolver: SimulatedResolver = field(init=False)
    files: SimulatedFiles = field(init=False, factory=SimulatedFiles)
    offload: InlineOffload = field(init=False, factory=InlineOffload)
    fetch: TableFetch = field(init=False, factory=TableFetch)
    world: World = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.entropy = SeededEntropy(self.seed)
        self.host = self.network.host(*self.addresses)
        self.resolver = SimulatedResolver(self.zones)
        self.world = World(
            clock=self.clock,
            entropy=self.entropy,
            network=self.host,
            resolver=self.resolver,
            disk=DurableDisk(self.files, self.offload, self.entropy),
            offload=self.offload,
            fetch=self.fetch,
        )

    def crash(self, *, survivors: bool = False) -> None:
        """Pull the plug of the machine: connections are reset, listeners gone, the disk forgets what was not synced,
        or, with ``survivors``, a random part of it. Cancel the program's tasks afterwards: nothing that they still do
        reaches a peer, and every handle on a file is stale.
        """
        self.host.crash()
        self.files.crash(self.entropy if survivors else None)
