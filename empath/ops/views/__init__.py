"""The read model: what the API, the commands and the dashboard show, as values.

A *view* is a msgspec Struct, whose ``schema`` names its form and the version of that form. Members are only ever added
to a form; what means something else gets another name. Beside each stands what makes it, from the parts of the daemon
and without changing any of them, so that whoever needs one (a route, a live topic, a log line) asks the same place and
shows the same figures.

Moments are seconds since 1970, of the wall clock; durations end with ``_s``, sizes with ``_bytes``. None is said of
what is not known or does not apply.

Why not the actors themselves: their insides change with every improvement, and what programs read must not.
"""

from empath.ops.views.status import DaemonView, QueueSizes, Status, Version

__all__ = ["DaemonView", "QueueSizes", "Status", "Version"]
