"""``empathctl send``: hand a message to the daemon, and if asked to, see what becomes of it."""

import os
import time
from pathlib import Path
from typing import Final

import click

from empath.cli.addresses import own_address
from empath.cli.ctl.answers import client_of, json_option, print_json
from empath.cli.ctl.client import Query, Record
from empath.cli.ctl.dialogues import Screen, accompany
from empath.cli.ctl.units import moment
from empath.cli.reading import read_file
from empath.cli.render import printable
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
@click.option("--trace", is_flag=True, help="Print what is said on the way. Means --follow.")
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
    trace: bool,
    as_json: bool,
) -> None:
    """Hand a message to the daemon. It is on its disk when this returns.

    With --follow the status tells what became of it: 0 delivered to all, 75 deferred, or not attempted yet, 69 refused.
    """
    client, follow = client_of(context), follow or trace
    reverse_path = _sender(sender, client.get("/version")["node"])
    query: Query = {"wait": f"{_PATIENCE_S}s" if follow else None}
    content: object = {"from": reverse_path, "to": to, "subject": subject, "text": body}
    fields: dict[str, str] = {}
    if file is not None:
        query = {"from": reverse_path, "to": list(to), **query}
        content, fields = read_file(file), {"Content-Type": "message/rfc822"}

    def hand_in() -> Record:
        patience_s = _PATIENCE_S + 30.0
        return client.ask("POST", "/messages", query, content=content, fields=fields, timeout_s=patience_s)

    if trace and not as_json:
        wanted = {"way": "out", "recipient": list(to), "sender": reverse_path}
        answer = accompany(client, wanted, Screen(since=time.monotonic()), hand_in)
    else:
        answer = hand_in()
    if as_json:
        print_json(answer)
    else:
        click.echo(f"accepted {answer['mid']}")
        for one in answer["outcomes"]:
            click.echo(printable(_told(one)))
        if follow and len(answer["outcomes"]) < answer["deliveries"]:
            click.echo(f"not attempted yet; see empathctl explain {answer['mid']}", err=True)
    context.exit(_status(answer) if follow else os.EX_OK)


def _told(one: Record) -> str:
    """What came of the first attempt for one recipient: where, how long each part took, how safe, and what was said."""
    host = f" by {one['host']}" if one["host"] else ""
    later = f" · next {moment(one['next_attempt'])}" if one["next_attempt"] is not None else ""
    seal = f" · {one['tls']}{' verified' if one['tls_verified'] else ''}" if one["tls"] else ""
    parts = [f"{name} {took_s:.2g}" for name, took_s in (("queue", one["waited_s"]), *one["stages_s"].items())]
    return (
        f"{one['outcome']} {one['recipient']}{host} in {one['waited_s'] + one['took_s']:.2f} s"
        f" ({' · '.join(parts)}){seal}{later}: {one['reply']}"
    )


def _sender(text: str | None, node: str) -> str:
    if text is None:
        return str(own_address(Domain.parse(node)))
    return "" if text == "<>" else text


def _status(answer: Record) -> int:
    outcomes = [one["outcome"] for one in answer["outcomes"]]
    if "bounced" in outcomes:
        return _REFUSED
    return os.EX_OK if outcomes.count("delivered") == answer["deliveries"] else _DEFERRED
