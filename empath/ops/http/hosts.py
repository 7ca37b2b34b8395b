"""By which names a machine is called in the Host field of a request (RFC 9110 7.2)."""

from __future__ import annotations

import ipaddress


def without_port(host: str) -> str:
    """A Host field without its port, in lower case, and without the brackets of an IPv6 address."""
    name, _, port = host.lower().rpartition(":")
    return name.strip("[]") if port.isdigit() and name else host.lower().strip("[]")


def is_own(host: str, own_name: str) -> bool:
    """Whether a name without port is one of this machine's. Without one it was no browser that asked."""
    return host in ("", "localhost", own_name.lower()) or _is_ip_address(host)


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
