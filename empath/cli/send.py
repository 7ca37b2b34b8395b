"""The subcommand ``send``: one message, by SMTP, from the command line."""

import json
from functools import partial
from pathlib import Path
from typing import Final

import click
import trio

from empath.cli.addresses import own_address, qualified, reverse_path
from empath.cli.complaint import Complaint
from empath.cli.message import Stamp, compose, crlf, mailbox
from empath.cli.reading import read_file
from empath.cli.server import Server, own_listener, server_option
from empath.cli.settings import config_option, configuration
from empath.cli.submit import Receipt, Submission, submit
from empath.world.network import SystemNetwork

SCHEMA: Final = "empath.send/1"


@click.command()
@click.option("--to", required=True, multiple=True, metavar="ADDR", help="A recipient. Can be repeated.")
@click.option("--from", "sender", metavar="ADDR", help="The sender; <> is the null one.  [default: you at this host]")
@click.option("--subject", metavar="TEXT", help="The subject.  [default: Test]")
@click.option("--body", metavar="TEXT", help="The text of the message.")
@click.option(
    *("--file", "--eml", "file"),
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Send this message, header and all, as it is but for line ends; - is standard input.",
)
@server_option
@config_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({SCHEMA}).")
def send(
    *,
    to: tuple[str, ...],
    sender: str | None,
    subject: str | None,
    body: str | None,
    file: Path | None,
    named: Server | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Send one message by SMTP, and print what the server said.

    It goes to all recipients or to none. Status 0: the server has taken it. 75: not now, try again. 69: refused, or
    nobody there. 65: not an address, or not a message that can be sent. 66: the file cannot be read.
    """
    if file is not None and not (subject is None and body is None):
        raise click.UsageError("--file brings its own header and text: it goes with neither --subject nor --body")
    config = configuration(config_file)
    try:
        host = config.hostname
        recipients = tuple(dict.fromkeys(qualified(address, host) for address in to))
        if file is not None:
            content = crlf(read_file(file))
        else:
            author = mailbox(reverse_path(sender, host) or own_address(host))
            content = compose(
                recipients=recipients,
                subject="Test" if subject is None else subject,
                body="Sent by empath send." if body is None else body,
                stamp=Stamp.fresh(author, host),
            )
        submission = Submission(sender=reverse_path(sender, host), recipients=recipients, content=content)
        server = named or own_listener(config.smtp)
        receipt = trio.run(partial(submit, SystemNetwork(), server, submission, hello=host.ascii))
    except Complaint as complaint:
        if as_json:
            click.echo(json.dumps({"schema": SCHEMA, "accepted": False, **complaint.as_record()}))
        raise
    click.echo(_record(receipt, server) if as_json else _sentence(receipt))


def _sentence(receipt: Receipt) -> str:
    name = f" {receipt.mid}" if receipt.mid else ""
    said = f"{receipt.reply.code} {receipt.reply.enhanced}" if receipt.mid and receipt.reply.enhanced else receipt.reply
    return f"accepted{name} in {receipt.elapsed_s * 1000:.0f} ms ({said})"


def _record(receipt: Receipt, server: Server) -> str:
    return json.dumps(
        {
            "schema": SCHEMA,
            "accepted": True,
            "mid": receipt.mid,
            "server": str(server),
            "reply": str(receipt.reply),
            "elapsed_ms": round(receipt.elapsed_s * 1000, 3),
        }
    )
