"""``empathctl dns``: what DNS says, and what the daemon remembers of it."""

import click

from empath.cli.ctl.answers import client_of, json_option, jsonl_option, print_json, print_lines, print_rows
from empath.cli.ctl.client import Record
from empath.cli.ctl.units import age


@click.group()
def dns() -> None:
    """See what DNS says, and what is remembered of it."""


@dns.command()
@click.argument("domain")
@json_option
@click.pass_context
def lookup(context: click.Context, domain: str, as_json: bool) -> None:
    """Look up the mail hosts of a domain, as delivery does."""
    _print_lookup(client_of(context).get("/dns/lookup", {"domain": domain}), as_json)


def _print_lookup(answer: Record, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if answer["trouble"]:
        click.echo(answer["trouble"])
        return
    if answer["null_mx"]:
        click.echo(f"{answer['domain']} takes no mail (null MX)")
        return
    rows = [
        (str(one["preference"]), one["host"], " ".join(one["addresses"]) or one["trouble"]) for one in answer["hosts"]
    ]
    print_rows(("PREFERENCE", "HOST", "ADDRESSES"), rows, nothing="no hosts")
    if answer["implicit"]:
        click.echo("there are no MX records, so the domain is its own host", err=True)
    else:
        click.echo(f"{answer['security']} · for {age(answer['ttl_s'])}", err=True)


@dns.group()
def cache() -> None:
    """See and clear what is remembered."""


@cache.command(name="list")
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 50_000), default=1000, show_default=True)
@json_option
@jsonl_option
@click.pass_context
def list_(context: click.Context, name: str | None, limit: int, as_json: bool, as_lines: bool) -> None:
    """List what is remembered, of NAME or of all names."""
    answer = client_of(context).get("/dns/cache", {"name": name, "limit": limit})
    if as_json:
        print_json(answer)
    elif as_lines:
        print_lines(answer["entries"])
    else:
        rows = [
            (
                one["name"],
                one["type"],
                age(one["ttl_s"]),
                one["security"] or "-",
                " ".join(one["found"]) or one["trouble"],
            )
            for one in answer["entries"]
        ]
        print_rows(("NAME", "TYPE", "LEFT", "SECURITY", "FOUND"), rows, nothing="nothing is remembered")


@cache.command()
@click.argument("name", required=False)
@click.pass_context
def clear(context: click.Context, name: str | None) -> None:
    """Forget what is remembered of NAME, or of all names."""
    answer = client_of(context).ask("DELETE", "/dns/cache", {"name": name})
    click.echo(f"{answer['count']} findings are forgotten")


@cache.command()
@click.argument("domain")
@json_option
@click.pass_context
def refresh(context: click.Context, domain: str, as_json: bool) -> None:
    """Forget what is remembered of a domain, and look it up anew."""
    _print_lookup(client_of(context).get("/dns/lookup", {"domain": domain, "fresh": True}), as_json)


@dns.group()
def override() -> None:
    """See the domains whose mail goes where configuration says."""


@override.command(name="list")
@json_option
@click.pass_context
def list_overrides(context: click.Context, as_json: bool) -> None:
    """List them."""
    answer = client_of(context).get("/dns/overrides")
    if as_json:
        print_json(answer)
        return
    rows = [(one["domain"], one["next_hop"]) for one in answer["overrides"]]
    print_rows(("DOMAIN", "NEXT HOP"), rows, nothing="there are none")
