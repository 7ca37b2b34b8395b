"""The subcommand ``sendmail``: takes the place of the program of that name, for all that call it to send a message.

Its options are single letters as they have been since 1983. Those that say something about a queue or a terminal are
understood and change nothing, since callers pass them without a thought; what would do something else than to send is
refused. The exit status is what callers go by: 0, the server has the message and answers for it; 75, it has not, and to
try again is right, also when no server is there; anything else, it never will.
"""

import os
from functools import partial
from pathlib import Path
from typing import Final

import click
import trio

from empath.cli.addresses import listed, named_in_header, own_address, qualified, reverse_path
from empath.cli.complaint import Code, Complaint
from empath.cli.message import Stamp, complete, crlf, mailbox
from empath.cli.reading import read_stdin
from empath.cli.server import Server, own_listener, server_option
from empath.cli.settings import config_option, configuration
from empath.cli.submit import Submission, submit
from empath.smtp import Address, Domain
from empath.world.network import SystemNetwork

_OTHER_MODES: Final = {
    "s": "SMTP on standard input would be a second server beside the daemon; connect to its listener instead",
    "p": "there is no queue to list here: the daemon has it",
    "i": "there is no database of aliases to build",
    "v": "only the server knows which recipients it takes: send, and see",
    "t": "there are no rules to test addresses with",
    "d": "start the daemon with `empath serve`",
}


def _only_sending(_context: click.Context, _parameter: click.Parameter, mode: str) -> str:
    if mode != "m":
        raise click.UsageError(f"-b{mode} is not offered: {_OTHER_MODES.get(mode, 'no such mode')}")
    return mode


@click.command()
@click.option("-t", "from_header", is_flag=True, help="Send to the addresses in To, Cc and Bcc as well.")
@click.option("-i", "keep_dots", is_flag=True, help="Let a line that is a dot not end the message.")
@click.option("-f", "-r", "sender", metavar="ADDR", help="The sender; <> is the null one.  [default: you at this host]")
@click.option("-F", "full_name", metavar="NAME", default="", help="Your name, for a From field that has to be added.")
@click.option("-o", "options", multiple=True, metavar="OPTION", help="-oi is -i; others change nothing.")
@click.option("-b", "mode", metavar="MODE", default="m", callback=_only_sending, expose_value=False, help="Only -bm.")
@click.option("-B", "body_type", metavar="TYPE", expose_value=False, help="Changes nothing: the content tells.")
@click.option("-m", "me_too", is_flag=True, expose_value=False, help="Changes nothing.")
@click.option("-v", "verbose", is_flag=True, expose_value=False, help="Changes nothing.")
@server_option
@config_option
@click.argument("recipients", nargs=-1, metavar="[--] [ADDR]...")
def sendmail(
    *,
    from_header: bool,
    keep_dots: bool,
    sender: str | None,
    full_name: str,
    options: tuple[str, ...],
    named: Server | None,
    config_file: Path | None,
    recipients: tuple[str, ...],
) -> None:
    """Send the message on standard input, as the classic program does.

    Names without a domain are mailboxes of this host. Fields that must not be missing are added (From, Date,
    Message-ID), Bcc is taken away. Nothing is printed when all is well.
    """
    if not (recipients or from_header):
        raise click.UsageError("nobody to send to: name recipients, or let -t take them from the message")
    config = configuration(config_file)
    host = config.hostname
    message = crlf(read_stdin(until_dot=not (keep_dots or "i" in options)))
    reverse = reverse_path(sender, host)
    stamp = Stamp.fresh(mailbox(reverse or own_address(host), full_name), host)
    submission = Submission(
        sender=reverse,
        recipients=_recipients(recipients, message if from_header else b"", host),
        content=complete(message, stamp),
    )
    server = named or own_listener(config.smtp)
    try:
        trio.run(partial(submit, SystemNetwork(), server, submission, hello=host.ascii))
    except Complaint as complaint:
        if complaint.code is Code.UNREACHABLE:
            # To those who call sendmail 69 is the end of the message. It is not: the server may be starting up.
            complaint.status = os.EX_TEMPFAIL
        raise


def _recipients(arguments: tuple[str, ...], message: bytes, host: Domain) -> tuple[Address, ...]:
    """Return all recipients, each once. Raises `Complaint` if there is none."""
    texts = [text for argument in arguments for text in listed(argument)]
    found = tuple(dict.fromkeys(qualified(text, host) for text in [*texts, *named_in_header(message)]))
    if not found:
        raise Complaint(
            Code.NO_RECIPIENT,
            "the message names nobody to send it to",
            why="with -t recipients are taken from To, Cc and Bcc, and there are none; nothing was sent",
            remedy="add a recipient to the header or to the command line",
            status=os.EX_DATAERR,
        )
    return found
