"""The series that ``/metrics`` shows: each with its name, its help, its type and its labels.

A *series* is one figure over time, known by a name and the values of its labels; a *family* is all series of one name.
Most figures are counted as things happen (`empath.ops.metrics`); *gauges* are looked at when somebody asks.

Rules: names in base units, ``_total`` at the end of a counter; a help text for each; every child that is known in
advance is there from the start with 0; no ratios, which Prometheus computes itself. No label is an address, an IP
address, the name of a message, or text of a reply. The values of every label come from a closed list or a bounded set,
so a node has a few thousand series however many domains it sends to.

Rooms: ``gauges`` (what is looked at), ``shapes`` (how a family is made), ``delivery``, ``ways``, ``reception`` and
``daemon`` (which ones there are).

Why not the registry of prometheus_client: its counters take a lock each, and every fact would pay for it. What is here
are plain integers of the event loop, which become text in a thread.
"""

from empath.ops.series.daemon import of_the_daemon
from empath.ops.series.delivery import of_delivery
from empath.ops.series.gauges import Gauges, Standing
from empath.ops.series.reception import of_reception
from empath.ops.series.ways import of_ways

__all__ = ["Gauges", "Standing", "of_delivery", "of_reception", "of_the_daemon", "of_ways"]
