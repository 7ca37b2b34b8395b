"""What ``empath serve`` does before its event loop runs: sockets, then the user, then whose the spool is.

Low ports need root, or a service manager that has opened them; nothing else does. So all that can be reached from
outside runs as a user that may do little: what has to be bound by root is bound first, then root is given up for good,
and only then is anything opened, read or accepted. Certificates, keys and the files of users are read as that user too,
since they are read again whenever they change.
"""

import logging
import os
from collections.abc import Iterator, MutableMapping
from typing import Final

from empath.cli.complaint import Code, Complaint
from empath.config import dotted
from empath.config.places import KeyPath
from empath.config.schema import Config, Mode
from empath.spool.belonging import BODIES
from empath.spool.open import LOCK
from empath.world.endpoint import Endpoint, TcpEndpoint
from empath.world.errors import ListenFailed, PrivilegesKept, SocketUnusable
from empath.world.prepared import Prepared, inherited, plain
from empath.world.privileges import become, is_root, name_of, strangers

_LOG: Final = logging.getLogger(__name__)

DATABASE: Final = "queue.sqlite3"
_FIRST_FREE_PORT: Final = 1024
"""Ports below are root's (ip(7))."""


def launch(config: Config, environ: MutableMapping[str, str]) -> Prepared:
    """Prepare the process. Returns sockets that listen already. Raises Complaint and ListenFailed."""
    prepared = _inherited(environ)
    check_wanted(prepared, config)
    if advice := about_root(config, is_root=is_root()):
        _LOG.warning("%s", advice)
    if config.user is not None:
        if is_root():
            prepared.bind(_low_ports(config))
        _become(config.user)
    check_owner(config)
    return prepared


def about_root(config: Config, *, is_root: bool) -> str | None:
    """What to say about who runs the daemon; None: nothing."""
    if is_root and config.user is None and config.mode is Mode.LIVE:
        return "running as root: set `user`, so that a fault in the daemon is not a fault in the whole machine"
    return None


def listening_keys(config: Config) -> dict[Endpoint, KeyPath]:
    """Where configuration wants to listen, and the table that says so. Listeners of SMTP outrank the others."""
    wanted: dict[Endpoint, KeyPath] = {}
    for name, section in (("api", config.api), ("health", config.health), ("metrics", config.metrics)):
        wanted |= {section.listen_addr: (name,)} if section.enabled else {}
    return wanted | {one.listen_addr: ("smtp", "listeners", number) for number, one in enumerate(config.smtp.listeners)}


def about_listening(problem: ListenFailed, config: Config) -> tuple[str, str]:
    """Why it matters that something cannot be listened on, and what to try."""
    # The sandbox moves on from the port that is configured.
    key = dotted((*listening_keys(config).get(problem.endpoint, ("smtp", "listeners", 0)), "listen_addr"))
    why = f"{key} asks for it, and a daemon that listens in half of the places would go unnoticed"
    if isinstance(problem.__cause__, PermissionError):
        return why, (
            "ports below 1024 are root's: start it as root with `user` set, or by a service manager that passes the "
            f"socket or CAP_NET_BIND_SERVICE; or change {key}"
        )
    return why, f"stop what listens there, or change {key}" if problem.taken else f"change {key}"


def _inherited(environ: MutableMapping[str, str]) -> Prepared:
    try:
        return inherited(environ, os.getpid())
    except SocketUnusable as problem:
        why = "clients that connect there would wait for an answer that never comes"
        remedy = "pass sockets of streams only, with ListenStream= and without Accept=yes"
        raise Complaint(Code.SOCKET, str(problem), why=why, remedy=remedy, status=os.EX_CONFIG) from None


def check_wanted(prepared: Prepared, config: Config) -> None:
    """See to it that each socket that was passed is one that configuration asks for. Raises Complaint."""
    wanted = {plain(endpoint) for endpoint in listening_keys(config)}
    for endpoint in prepared.endpoints:
        if endpoint not in wanted:
            raise Complaint(
                Code.SOCKET,
                f"the service manager passed a socket that listens on {endpoint}, and nothing here is to listen there",
                why="clients that connect there would wait for an answer that never comes",
                remedy=f'give a listener listen_addr = "{endpoint}", or remove the ListenStream= of the socket unit',
                status=os.EX_CONFIG,
            )


def _low_ports(config: Config) -> Iterator[Endpoint]:
    for endpoint in listening_keys(config):
        if isinstance(endpoint, TcpEndpoint) and 0 < endpoint.port < _FIRST_FREE_PORT:
            yield endpoint


def _become(user: str) -> None:
    try:
        become(user)
    except PrivilegesKept as problem:
        why = "user asks for it, so that a fault in the daemon is not a fault in the whole machine"
        remedy = "start it as root or as that user, and name one that exists and is not root"
        raise Complaint(Code.USER, str(problem), why=why, remedy=remedy, status=os.EX_NOPERM) from None


def check_owner(config: Config) -> None:
    """See to it that what is kept belongs to the user that we are. Raises Complaint."""
    spool, queue = config.spool_path, config.queue_path
    for path, owner in strangers(spool, spool / LOCK, spool / BODIES, queue, queue / DATABASE):
        raise Complaint(
            Code.OWNER,
            f"{path} belongs to {owner}, and the daemon runs as {name_of(os.geteuid())}",
            why="one of the two could not read what the other one has accepted",
            remedy=f"run it as {owner} (the key `user`, or User= of the unit), or give it away with chown --recursive",
            status=os.EX_NOPERM,
        )
