"""Checks of what keeps the queue: a server has to be named, and nothing else has one."""

from collections.abc import Iterator
from typing import Final

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.schema.delivery import QueueBackend

_BACKEND: Final[KeyPath] = ("delivery", "queue_backend")
_URL: Final[KeyPath] = ("delivery", "queue_url_file")
_PATH: Final[KeyPath] = ("delivery", "queue_path")


def server(subject: Subject) -> Iterator[Finding]:
    """A queue in PostgreSQL is somewhere, and a file that says where is for no other."""
    delivery = subject.config.delivery
    in_postgres = delivery.queue_backend is QueueBackend.POSTGRES
    if in_postgres and delivery.queue_url_file is None:
        yield Finding(
            code=Code.MISSING,
            about=(_URL, _BACKEND),
            what='not set, and queue_backend = "postgres" needs it',
            why="it names the server and the database that the queue is in",
            remedy="write the connection string into a file that only the daemon may read, and name that file here",
        )
    elif not in_postgres and delivery.queue_url_file is not None:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(_URL, _BACKEND),
            what=f"set, and the queue is in {delivery.queue_backend.value}",
            why="mail would be kept on this machine, and not where you said",
            remedy='set delivery.queue_backend = "postgres", or leave it out',
        )
    if in_postgres and subject.is_given(_PATH):
        yield Finding(
            code=Code.NO_EFFECT,
            about=(_PATH, _BACKEND),
            what="set, and the queue is in postgres",
            why="nothing would be kept there",
            remedy="leave it out",
            is_error=False,
        )
