"""``empathctl trace``: what is said in SMTP, as it is said."""

import click

from empath.cli.ctl import completing
from empath.cli.ctl.answers import client_of
from empath.cli.ctl.dialogues import Screen, follow


@click.command()
@click.argument("mid", required=False, shell_complete=completing.messages)
@click.option("--domain", multiple=True, metavar="NAME", help="Of a recipient. A star stands for anything.")
@click.option("--lane", multiple=True, metavar="NAME", help="Outgoing, of this lane.")
@click.option("--host", multiple=True, metavar="NAME", help="Outgoing, with this host.")
@click.option("--peer", multiple=True, metavar="ADDRESS", help="With this address.")
@click.option("--sender", multiple=True, metavar="ADDR", help="A reverse-path; <> is the null one.")
@click.option("--recipient", multiple=True, metavar="ADDR", help="A forward-path.")
@click.option("--in", "way", flag_value="in", help="Only what clients say to this daemon.")
@click.option("--out", "way", flag_value="out", help="Only what this daemon says to others.")
@click.option("--one", is_flag=True, help="End after the first message, or connection, that comes.")
@click.option("--terse", is_flag=True, help="No times, no notes, and of each reply the last line.")
@click.option("--content", is_flag=True, help="Messages too, for those with the scope content. Never passwords.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each line (empath.trace/1).")
@click.pass_context
def trace(
    context: click.Context,
    /,
    *,
    mid: str | None,
    way: str | None,
    one: bool,
    terse: bool,
    content: bool,
    as_json: bool,
    **chosen: tuple[str, ...],
) -> None:
    """Print SMTP dialogues as they happen, until Ctrl-C: of all, or of those that all options are true of.

    `>` is said by the client, `<` by the server, `|` is a line of the message, `-` is about the connection. Logins are
    never shown, and messages only with --content.
    """
    wanted: dict[str, object] = {
        name: ["" if value == "<>" else value for value in values] for name, values in chosen.items() if values
    }
    wanted |= {"way": way} if way else {}
    wanted |= {"mid": mid} if mid else {}
    wanted |= {"content": True} if content else {}
    follow(client_of(context), wanted, Screen(terse=terse, as_json=as_json), only_one=one)
