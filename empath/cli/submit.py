"""Hands one message to a server by SMTP, for the commands that send: to all recipients, or to none.

A command can tell its caller one thing only, by its exit status. So when one recipient is refused the message goes to
nobody, and to try again is safe. The one exception no protocol can mend: a connection that breaks between the final dot
and its reply leaves it open whether the message was taken (RFC 1047).
"""

import os
from contextlib import suppress
from typing import Final

import trio
from attrs import field, frozen

from empath.cli.complaint import Code, Complaint
from empath.cli.dialogue import Dialogue
from empath.cli.server import Server
from empath.mail.ids import MessageId
from empath.smtp import Address, BodyFault, Bounds, LocalProtocolError, RemoteProtocolError, Reply
from empath.smtp.body import LineRules
from empath.world import Connection, Network, NetworkError

CONNECT_S: Final = 30.0

_FAULTS: Final = {
    BodyFault.LONE_CR: "a CR without LF",
    BodyFault.LONE_LF: "an LF without CR",
    BodyFault.NUL: "a NUL octet",
    BodyFault.LONG_LINE: f"a line of more than {Bounds().text_line} octets",
}


@frozen(kw_only=True)
class Submission:
    """A message and where it is to go."""

    sender: Address | None
    recipients: tuple[Address, ...]
    content: bytes = field(repr=False)
    """Its lines end with CRLF."""


@frozen
class Receipt:
    """The server's word for having taken a message."""

    reply: Reply
    elapsed_s: float
    """From the first attempt to connect."""

    @property
    def mid(self) -> str | None:
        """How the server calls the message, if it is one of ours."""
        for word in self.reply.text.split():
            with suppress(ValueError):
                return str(MessageId.parse(word))
        return None


async def submit(network: Network, server: Server, submission: Submission, *, hello: str) -> Receipt:
    """Send a message, and return once the server has taken it. Raises `Complaint`.

    ``hello`` is the name that we give ourselves. TLS is used where the server offers it, whoever the server is: to name
    a server on a command line is no policy (RFC 7435).
    """
    _check(submission.content)
    began = trio.current_time()
    connection = await _connect(network, server)
    async with connection, Dialogue(server, connection) as dialogue:
        try:
            await dialogue.open(hello)
            await dialogue.address(submission.sender, submission.recipients, submission.content)
            reply = await dialogue.transfer(submission.content)
        except LocalProtocolError as error:
            raise _not_offered(server, error) from error
        except (NetworkError, RemoteProtocolError, trio.TooSlowError) as error:
            raise dialogue.cut_short(error) from error
        return Receipt(reply, trio.current_time() - began)


async def _connect(network: Network, server: Server) -> Connection:
    failures = []
    for endpoint in await server.endpoints():
        try:
            with trio.fail_after(CONNECT_S):
                return await network.connect(endpoint)
        except NetworkError as error:
            failures.append(str(error))
        except trio.TooSlowError:
            failures.append(f"cannot connect to {endpoint}: no answer within {CONNECT_S:.0f} s")
    why, remedy = "nothing takes connections there, or something on the way lets none through", "check host and port"
    if server.configured:
        why = "that is the listener of the configuration, and nothing takes connections there"
        remedy = "start it with `empath serve`, or name another server with --server HOST:PORT"
    raise Complaint(Code.UNREACHABLE, "; ".join(failures), why=why, remedy=remedy, status=os.EX_UNAVAILABLE)


def _check(content: bytes) -> None:
    """Raise `Complaint` for content that no server takes, before one is asked."""
    rules = LineRules(Bounds().text_line, None)
    rules.check(content)
    rules.finish()
    if rules.fault:
        faults = [text for flag, text in _FAULTS.items() if flag in rules.fault]
        raise Complaint(
            Code.UNSENDABLE,
            f"the message has {' and '.join(faults)}",
            why="SMTP cannot carry it: servers would disagree about where lines, or the message, end; nothing was sent",
            remedy="encode it as an attachment is encoded, with base64 (RFC 2045 6.8)",
            status=os.EX_DATAERR,
        )


def _not_offered(server: Server, error: LocalProtocolError) -> Complaint:
    return Complaint(
        Code.UNSENDABLE,
        f"{server} cannot be sent this: {error}",
        why="it does not offer the extension that the message or an address needs; the message went to nobody",
        remedy="use ASCII only, or another server",
        status=os.EX_DATAERR,
    )
