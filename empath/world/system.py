"""The real world, opened and closed as one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import trio

from empath.world.clock import SystemClock
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.fetch import HttpFetch
from empath.world.files import SystemFiles
from empath.world.network import SystemNetwork
from empath.world.offload import ThreadOffload
from empath.world.ports import World
from empath.world.prepared import Prepared
from empath.world.resolver import DnsResolver, DnsSettings
from empath.world.tls import verifying_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DISK_THREADS = 4
"""Enough to keep a disk busy with syncs that do not wait for each other."""


@asynccontextmanager
async def open_world(
    *,
    dns: DnsSettings | None = None,
    ca_file: Callable[[], Path | None] = lambda: None,
    prepared: Prepared | None = None,
) -> AsyncIterator[World]:
    """Yield the world of this machine. ``ca_file``: what `Fetch` trusts now, beside the authorities of the system.

    ``prepared``: sockets that listen already.

    The threads and the DNS lookups end with it, so whoever uses it must be inside: open it first. As from any nursery,
    exceptions of the block arrive in a group.
    """
    offload, entropy = ThreadOffload("empath", threads=DISK_THREADS), SystemEntropy()
    network = SystemNetwork(prepared=prepared or Prepared())
    trusting = lru_cache(maxsize=1)(lambda file: verifying_context(ca_file=file))
    async with trio.open_nursery() as nursery:
        resolver = DnsResolver(dns or DnsSettings(), nursery)
        try:
            yield World(
                clock=SystemClock(),
                entropy=entropy,
                network=network,
                resolver=resolver,
                disk=DurableDisk(SystemFiles(), offload.own("disk", threads=DISK_THREADS), entropy),
                offload=offload,
                fetch=HttpFetch(network, resolver, lambda: trusting(ca_file())),
            )
        finally:
            nursery.cancel_scope.cancel()
            offload.close()
