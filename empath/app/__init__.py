"""The nursery tree: what runs, inside what, and how it ends.

``assembly`` makes the parts from the configuration, ``worker`` runs them, ``shutdown`` is the switch that ends them in
order. A worker is crash-only: it holds nothing in memory that the spool does not hold too, so a fault that nobody
foresaw ends the process, and the next start goes on. Guards stand where one client or one next hop must not be able to
bring that about: around each session, and around each job of a sender.
"""

from empath.app.shutdown import Shutdown, Stage
from empath.app.worker import Worker

__all__ = ["Shutdown", "Stage", "Worker"]
