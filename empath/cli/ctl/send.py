"""``empathctl send``: hand a message to the daemon, and if asked to, see what becomes of it."""

import os
from pathlib import Path
from typing import Final

import click

from empath.cli.addresses import own_address
from empath.cli.ctl.answers import client_of, json_option, print_json
from empath.cli.ctl.client import Record
from empath.cli.reading import read_file
from empath.smtp import Domain

_PATIENCE_S: Final = 60
_DEFERRED: Final = os.EX_TEMPFAIL
_REFUSED: Final = os.EX_UNAVAILABLE


@click.command()
@click.option("--to", required=True, multiple=True, metavar="ADDR", help="A recipient. Can be repeated.")
@click.option("--from", "sender", metavar="ADDR", help="The sender; <> is the null one.  [default: you at this host]")
@click.option("--subject", metavar="TEXT", default="Test", show_default=True)
@click.option("--body", metavar="TEXT", default="Sent by empathctl send.", help="The text of the message.")
@click.option(
    *("--file", "--eml", "file"), type=click.Path(path_type=Path), metavar="FILE", help="Send this message as it is."
)
@click.option("--follow", is_flag=True, help="Wait for the first attempt, up to a minute, and say what came of it.")
@json_option
@click.pass_context
def send(
    context: click.Context,
    *,
    to: tuple[str, ...],
    sender: str | None,
    subject: str,
    body: str,
    file: Path | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Hand a message to the daemon. It is on its disk when this returns.

    With --follow the status tells what became of it: 0 delivered to all, 75 deferred, or not attempted yet, 69 refused.
    """
    client = client_of(context)
    reverse_path = _sender(sender, client.get("/version")["node"])
    wait = f"{_PATIENCE_S}s" if follow else None
    patience_s = _PATIENCE_S + 30.0
    if file is None:
        content: object = {"from": reverse_path, "to": to, "subject": subject, "text": body}
        answer = client.ask("POST", "/messages", {"wait": wait}, content=content, timeout_s=patience_s)
    else:
        answer = client.ask(
            "POST",
            "/messages",
            {"from": reverse_path, "to": list(to), "wait": wait},
            content=read_file(file),
            fields={"Content-Type": "message/rfc822"},
            timeout_s=patience_s,
        )
    if as_json:
        print_json(answer)
    else:
        click.echo(f"accepted {answer['mid']}")
        for one in answer["outcomes"]:
            host = f" by {one['host']}" if one["host"] else ""
            click.echo(f"{one['outcome']} {one['recipient']}{host} in {one['took_s']:.2f} s: {one['reply']}")
        if follow and len(answer["outcomes"]) < answer["deliveries"]:
            click.echo(f"not attempted yet; see empathctl queue view {answer['mid']}", err=True)
    context.exit(_status(answer) if follow else os.EX_OK)


def _sender(text: str | None, node: str) -> str:
    if text is None:
        return str(own_address(Domain.parse(node)))
    return "" if text == "<>" else text


def _status(answer: Record) -> int:
    outcomes = [one["outcome"] for one in answer["outcomes"]]
    if "bounced" in outcomes:
        return _REFUSED
    return os.EX_OK if outcomes.count("delivered") == answer["deliveries"] else _DEFERRED
