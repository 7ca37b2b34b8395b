"""Checks of the login to a smart host: what it needs, and what would give the password away."""

from collections.abc import Iterator
from typing import Final

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.schema import TlsPolicy

_HOST: Final[KeyPath] = ("delivery", "smart_host")
_USER: Final[KeyPath] = ("delivery", "smart_host_auth", "user")
_FILE: Final[KeyPath] = ("delivery", "smart_host_auth", "password_file")
_POLICY: Final[KeyPath] = ("delivery", "tls", "default_policy")


def login(subject: Subject) -> Iterator[Finding]:
    """A login that is only half there, that has no host, or that is to be sent in clear."""
    delivery = subject.config.delivery
    auth = delivery.smart_host_auth
    if (auth.user is None) != (auth.password_file is None):
        missing, there = (_USER, "password_file") if auth.user is None else (_FILE, "user")
        yield Finding(
            code=Code.MISSING,
            about=(missing, (*_USER[:2], there)),
            what=f"not set, and {there} needs it",
            why="a login is a name and a password",
            remedy=f"set both, or leave {there} out",
        )
    elif auth.user is not None and delivery.smart_host is None:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(_USER, _HOST),
            what="set, and there is no delivery.smart_host",
            why="we log in to the smart host and to nobody else",
            remedy='set delivery.smart_host = "mail.example.org:587", or leave the login out',
        )
    if auth.user is not None and delivery.tls.default_policy is TlsPolicy.DISABLED:
        yield Finding(
            code=Code.UNSAFE,
            about=(_POLICY, _USER),
            what='= "disabled" with a login to the smart host',
            why="everybody on the way could read the password",
            remedy='default_policy = "opportunistic": the connection that carries the login is encrypted in any case',
        )
