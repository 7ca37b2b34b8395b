"""``empathctl login-code``: let a browser in."""

import click

from empath.cli.ctl.answers import client_of, json_option, print_json
from empath.cli.ctl.units import moment


@click.command(name="login-code")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "content", "inject", "operate", "admin"]),
    help="What the browser may do.  [all but admin, unless said]",
)
@json_option
@click.pass_context
def login_code(context: click.Context, *, scopes: tuple[str, ...], as_json: bool) -> None:
    """Print where a browser can log in to the dashboard, once."""
    client = client_of(context)
    answer = client.ask("POST", "/login/codes", content={"scopes": scopes} if scopes else {})
    if as_json:
        print_json(answer)
        return
    status = client.get("/status")
    scheme = "https" if "api" in status["https"] else "http"
    click.echo(f"{scheme}://{status['sections'].get('api')}/#login={answer['code']}")
    click.echo(f"valid once, until {moment(answer['expires'])}", err=True)
