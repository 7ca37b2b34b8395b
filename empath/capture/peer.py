"""The capture peer as a task: it listens, and has one guarded task for each connection."""

import logging
from contextlib import aclosing
from typing import Final

import trio

from empath.capture.archive import Archive
from empath.capture.session import Session
from empath.smtp import BASIC, Extensions, ServerConnection
from empath.world import Connection, Endpoint, Network, NetworkError

HOSTNAME: Final = "capture.localhost"
"""What the peer calls itself. RFC 6761 6.3: no name below localhost belongs to anybody else."""

_log: Final = logging.getLogger(__name__)


async def serve(
    network: Network,
    endpoint: Endpoint,
    *,
    archive: Archive,
    hostname: str = HOSTNAME,
    max_sessions: int = 1000,
    task_status: trio.TaskStatus[Endpoint] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Take mail at ``endpoint`` until cancelled. Raises `ListenFailed`.

    Starts with the endpoint that it really listens at: port 0 lets the system choose one. Who comes when there are
    ``max_sessions`` waits in the queue of the listener.
    """
    offers = Extensions({**BASIC.keywords, "SIZE": (str(archive.caps.size_bytes),)})
    slots = trio.Semaphore(max_sessions)
    async with await network.listen(endpoint) as listener, trio.open_nursery() as nursery:
        task_status.started(listener.endpoint)
        while True:
            await slots.acquire()
            connection = await listener.accept()
            session = Session(connection, ServerConnection(hostname, offers), archive)
            nursery.start_soon(_guard, connection, session, slots)


async def _guard(connection: Connection, session: Session, slots: trio.Semaphore) -> None:
    """Let no session take the others with it, whatever happens to it."""
    try:
        async with connection, aclosing(session):
            await session.run()
    except (NetworkError, trio.TooSlowError) as error:
        _log.debug("session with %s ended: %s", connection.remote, error)
    except Exception:
        _log.exception("session with %s failed", connection.remote)
    finally:
        slots.release()
