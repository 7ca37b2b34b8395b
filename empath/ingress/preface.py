"""Before a session begins: the header in which a proxy says whose connection it forwards (`empath.smtp.proxy`).

A listener has a list of proxies. From an address on it the header must come, and come first, before TLS and before the
greeting; who sends anything else there is no proxy and hears nothing at all, since whatever is said would go to a
client that nobody knows. An address that is not on the list is a client like any other, and what looks like a header
is an unknown command.
"""

from __future__ import annotations

import logging

import trio

from empath.ingress.client import Client
from empath.ingress.reception import Reception
from empath.smtp import ProxyReader, RemoteProtocolError
from empath.world.ports import Connection

_LOG = logging.getLogger(__name__)


def is_proxy(client: Client, reception: Reception) -> bool:
    """Whether a connection begins with a header."""
    return client.comes_from(reception.listener.proxy_protocol_from)


async def read_preface(connection: Connection, client: Client, *, limit_s: float) -> bool:
    """Read the header and know the client by it. False: it did not come; the connection is to be closed in silence.

    Not one octet behind the header is read. A NetworkError: the proxy is gone.
    """
    reader, proxy = ProxyReader(), client.ip
    with trio.move_on_after(limit_s):
        try:
            while reader.header is None:
                octets = bytes(await connection.receive_some(reader.wanted))
                if not octets:
                    return False  # a check whether somebody listens, as load balancers make them
                reader.receive_data(octets)
        except RemoteProtocolError as problem:
            _LOG.warning("%s is among the proxies, and sent no header: %s", proxy, problem)
            return False
    if reader.header is None:
        _LOG.warning("%s is among the proxies, and sent no header in %g seconds", proxy, limit_s)
        return False
    # Who has no address is in none of the networks that are trusted, even if the proxy is.
    client.ip = reader.header.client.ip if reader.header.client else ""
    return True
