"""What a service manager is told: sd_notify(3), by hand, since it is one datagram.

Asked for by the variable ``NOTIFY_SOCKET``; without it nothing is sent.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

READY = "READY=1"
"""Everything listens."""


def notify(state: str, environ: Mapping[str, str]) -> bool:
    """Tell the service manager; whether there was one to tell. A manager that does not listen is none."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path:
        return False
    # A name that begins with @ is of the abstract namespace (unix(7)).
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        try:
            manager.sendto(state.encode(), address)
        except OSError:
            return False
    return True
