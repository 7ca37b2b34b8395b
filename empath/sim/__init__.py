"""The world in memory: everything that `empath.world` is, without an operating system, in virtual time.

The whole of Empath runs in here unchanged. A retry schedule of five days takes a second, a network can be cut at the
byte that a test has chosen, a disk loses power between two calls, and all of it happens again in the same order when
the seed is the same.

- `empath.sim.world` builds a world from a seed and keeps a handle on all its parts.
- `empath.sim.run` runs a program in it: virtual time, repeatable order of tasks.
- `empath.sim.network` has hosts, links between them with latency, bandwidth and bounded buffers, and the faults:
  stall, cut, reset, refused, unreachable, blackhole.
- `empath.sim.zones` is DNS as a table: what exists, what is signed, what fails; `empath.sim.resolver` reads it.
- `empath.sim.disk` has the system calls of a disk that forgets at ``crash()`` what was not synced (files and names of
  directories alike), fills up, and fails at the call that a test has planned.
- `empath.sim.vfs` puts a database of SQLite on that disk.
- `empath.sim.clock` can be set like a real clock; `empath.sim.entropy` is one seed; `empath.sim.offload` has no
  threads, because virtual time would not wait for them; `empath.sim.fetch` answers from a table.
- `empath.sim.remote` has mail servers that refuse, stall and break off as rules tell them, inside TLS if they are given
  a certificate; `empath.sim.client` brings messages and remembers which were answered 250.
- `empath.sim.invariants` and `empath.sim.sites` say what must hold after every run, whatever went wrong in it.

Each part passes the contract suite of its port (``tests/contracts``), so what holds in here holds outside, as far as
anybody has thought of it. It is part of the package and not of the tests, so that operators and plug-in authors can try
a configuration against days of trouble before they trust it with mail.

Why not `trio.testing`'s own streams and network: they have neither bounds nor latency nor addresses. Why not a fake
`os` or a FUSE file system: a handful of calls is all that durability depends on, and as an interface they can be
counted and failed one by one.
"""

from empath.sim.network import Conditions, Reach, VirtualHost, VirtualNetwork
from empath.sim.run import simulate
from empath.sim.world import SimulatedWorld
from empath.sim.zones import Zones

__all__ = ["Conditions", "Reach", "SimulatedWorld", "VirtualHost", "VirtualNetwork", "Zones", "simulate"]
