"""The nursery tree: what runs, inside what, and how it ends.

``assembly`` makes the parts from the configuration, ``worker`` runs them, ``watch`` looks on, ``shutdown`` is the
switch that ends them in order. A worker is crash-only: it holds nothing in memory that the spool does not hold too, so
a fault that nobody foresaw ends the process, and the next start goes on. Guards stand where one client or one next hop
must not be able to bring that about: around each session, each job of a sender, and all that only watches.
"""

from empath.app.auditing import AuditUnusable
from empath.app.shutdown import Shutdown, Stage
from empath.app.tracing import TracingUnusable
from empath.app.worker import Places, Worker

__all__ = ["AuditUnusable", "Places", "Shutdown", "Stage", "TracingUnusable", "Worker"]
