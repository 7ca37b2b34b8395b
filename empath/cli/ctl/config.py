"""``empathctl config``: the configuration that runs."""

import click

from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows


@click.group()
def config() -> None:
    """See the configuration that runs."""


@config.command()
@click.option("--changed", is_flag=True, help="Only keys that have another value than their default.")
@json_option
@click.pass_context
def show(context: click.Context, changed: bool, as_json: bool) -> None:
    """Show each key with the value that holds."""
    answer = client_of(context).get("/config")
    answer["settings"] = [one for one in answer["settings"] if not (changed and one["is_default"])]
    if as_json:
        print_json(answer)
        return
    rows = [
        (one["key"], one["value"] or "-", "" if one["is_default"] else one["default"] or "-", _change(one["live"]))
        for one in answer["settings"]
    ]
    print_rows(("KEY", "VALUE", "DEFAULT", "CHANGE"), rows, nothing="all keys have their defaults")


def _change(live: bool) -> str:
    return "live" if live else "restart"
