"""Logging in to a smart host (RFC 4954): as whom, by which mechanism, and never outside of TLS.

The secret lies in a file of its own and is read anew for every connection, so that a new password, or the next access
token, needs no restart. A file that cannot be used is our fault: mail waits and no attempt is counted. A login that the
host refuses is the site's trouble: it says nothing about the message, which waits until somebody has put it right.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import Failure, SystemFailure, SystemKind, failure_of, judge
from empath.smtp import Auth, AuthResponse, Credentials, LocalProtocolError, Reply, State, client_exchange
from empath.world.errors import DiskError
from empath.world.ports import Disk

if TYPE_CHECKING:
    from empath.delivery.talking.hop import Hop

_WITH_PASSWORD: Final = ("PLAIN", "LOGIN")
"""In this order: LOGIN is no standard, and takes two more round trips."""
_MAX_SECRET_BYTES: Final = 8192
_MAX_CHALLENGES: Final = 4
"""No mechanism of ours has more than two."""


@frozen(kw_only=True)
class Login:
    """As whom we log in. Two are equal if the host cannot tell them apart."""

    user: str
    secret_file: PurePath
    """The password, or under XOAUTH2 the access token, and nothing else but a line end."""
    mechanism: str | None = None
    """None: with a password, by what the host offers."""
    disk: Disk = field(eq=False, repr=False)

    async def enter(self, hop: Hop) -> None:
        """Log in over a hop that is inside TLS. Raises Failure and SystemFailure."""
        mechanism = self._mechanism(hop)
        try:
            exchange = client_exchange(mechanism, Credentials(self.user, await self._secret()))
        except LocalProtocolError as problem:
            text = f"cannot log in with {self.secret_file}: {problem}"
            raise SystemFailure(SystemKind.CREDENTIALS, text) from problem
        answer = await hop.ask(Auth(mechanism, exchange.step(None)), hop.timeouts.command_s)
        for _ in range(_MAX_CHALLENGES):
            if hop.client.state is not State.AUTH:
                break
            response = exchange.step(_challenge(hop, answer.reply))
            answer = await hop.ask(AuthResponse(response or b""), hop.timeouts.command_s)
        if hop.client.state is State.AUTH:
            raise _refused(hop, Kind.PROTOCOL, "the login does not come to an end")
        if not answer.reply.positive:
            raise judge(answer.reply, Phase.LOGIN, host=hop.target.host)
        hop.login = self

    def _mechanism(self, hop: Hop) -> str:
        """What to log in with; a Failure: the host offers none of it."""
        offered = hop.client.facts.in_force.mechanisms
        wanted = (self.mechanism,) if self.mechanism else _WITH_PASSWORD
        for mechanism in wanted:
            if mechanism in offered:
                return mechanism
        text = f"a login is to be made, and the host offers no AUTH {' or '.join(wanted)}"
        raise _refused(hop, Kind.LOGIN_REFUSED, text)

    async def _secret(self) -> str:
        try:
            async with await self.disk.open(self.secret_file) as file:
                octets = b"" if file.size_bytes > _MAX_SECRET_BYTES else await file.read(_MAX_SECRET_BYTES)
            secret = octets.rstrip(b"\r\n").decode()
        except DiskError as problem:
            raise SystemFailure(SystemKind.CREDENTIALS, str(problem)) from problem
        except UnicodeDecodeError as problem:
            raise SystemFailure(SystemKind.CREDENTIALS, f"{self.secret_file} is not UTF-8") from problem
        if not secret:
            text = f"{self.secret_file} is empty, or larger than {_MAX_SECRET_BYTES} octets"
            raise SystemFailure(SystemKind.CREDENTIALS, text)
        return secret


def _challenge(hop: Hop, reply: Reply) -> bytes:
    """What 334 asks, decoded (RFC 4954 4)."""
    try:
        return base64.b64decode(reply.text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise _refused(hop, Kind.PROTOCOL, f"{reply} is no challenge") from problem


def _refused(hop: Hop, kind: Kind, text: str) -> Failure:
    return failure_of(Diagnosis(kind=kind, phase=Phase.LOGIN, host=hop.target.host, text=text))
