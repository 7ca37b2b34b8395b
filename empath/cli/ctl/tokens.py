"""``empathctl tokens``: who may come in over the network."""

import click

from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows
from empath.cli.ctl.client import segment


@click.group()
def tokens() -> None:
    """See who is known by a token, and let somebody be known no longer.

    `empath token new` makes one.
    """


@tokens.command(name="list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the tokens that the daemon knows, by name and scopes."""
    answer = client_of(context).get("/tokens")
    if as_json:
        print_json(answer)
    else:
        rows = [(one["name"], ",".join(one["scopes"])) for one in answer["tokens"]]
        print_rows(("NAME", "SCOPES"), rows, nothing="there are none")


@tokens.command()
@click.argument("name")
@json_option
@click.pass_context
def revoke(context: click.Context, name: str, as_json: bool) -> None:
    """Take the token NAME out of the file. It holds at once, and ends sessions and websockets that it began."""
    answer = client_of(context).ask("DELETE", f"/tokens/{segment(name)}")
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{answer['name']} is known no longer")
