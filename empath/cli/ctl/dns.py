"""``empathctl dns``: what DNS says, and what the daemon remembers of it."""

import time

import click

from empath.cli.ctl.answers import client_of, json_option, jsonl_option, print_json, print_lines, print_rows
from empath.cli.ctl.asking import Asked, How, changes, nothing_chosen
from empath.cli.ctl.client import Record, segment
from empath.cli.ctl.units import age, counted


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
@click.option("--all", "everything", is_flag=True, help="What is remembered of all names.")
@changes
@click.pass_context
def clear(context: click.Context, /, *, name: str | None, everything: bool, **how: How) -> None:
    """Forget what is remembered of NAME, or with --all of all names."""
    if name is None and not everything:
        raise nothing_chosen("what to forget", "a name, or --all")
    client, asked = client_of(context), Asked.of(how)
    if asked.dry_run:
        found = client.get("/dns/cache", {"name": name, "limit": 50_000})["entries"]
        asked.would(f"forget {len(found)} findings of {name or 'all names'}")
        return
    answer = client.ask("DELETE", "/dns/cache", {"name": name, "all": everything, "reason": asked.reason or None})
    asked.tell(answer, f"{counted(answer['count'], 'finding')} forgotten")


@cache.command()
@click.argument("domain")
@json_option
@click.pass_context
def refresh(context: click.Context, domain: str, as_json: bool) -> None:
    """Forget what is remembered of a domain, and look it up anew."""
    _print_lookup(client_of(context).get("/dns/lookup", {"domain": domain, "fresh": True}), as_json)


@dns.group()
def override() -> None:
    """See and name hosts that get the mail of a domain, whatever DNS says."""


@override.command(name="list")
@json_option
@click.pass_context
def list_overrides(context: click.Context, as_json: bool) -> None:
    """List them."""
    answer = client_of(context).get("/dns/overrides")
    if as_json:
        print_json(answer)
        return
    rows = [_row(one) for one in answer["overrides"]]
    print_rows(("DOMAIN", "NEXT HOP", "BY", "ENDS IN", "REASON"), rows, nothing="there are none")


def _row(one: Record) -> tuple[str, ...]:
    ends = age(max(0.0, one["expires"] - time.time())) if one["expires"] is not None else "-"
    return one["domain"], one["next_hop"], one["by"], ends, one["reason"]


@override.command(name="set")
@click.argument("domain")
@click.argument("next_hop", metavar="HOST[:PORT]")
@click.option("--for", "duration", metavar="TIME", help="Lift it by itself after this time.")
@changes
@click.pass_context
def set_(context: click.Context, /, *, domain: str, next_hop: str, duration: str | None, **how: How) -> None:
    """Send the mail of DOMAIN to HOST, also what waits here. It survives a restart."""
    client, asked = client_of(context), Asked.of(how)
    if asked.dry_run:
        waiting = len(client.get("/messages", {"domain": domain, "limit": 1000})["deliveries"])
        some = f"{waiting} or more" if waiting == 1000 else str(waiting)
        asked.would(f"send mail for {domain} to {next_hop}: {some} deliveries that are here, and what comes")
        return
    said: Record = {"next_hop": next_hop, "reason": asked.reason, **({"for": duration} if duration else {})}
    answer = client.ask("PUT", f"/dns/overrides/{segment(domain)}", content=said)
    ending = f"empathctl dns override remove {domain}"
    asked.tell(answer, f"{domain} goes to {answer['next_hop']} ({answer['id']}); end it with {ending}")
    if not asked.as_json:
        click.echo(f'to keep it: [delivery.domains."{domain}"] mx_override = "{next_hop}"', err=True)


@override.command()
@click.argument("domain")
@changes
@click.pass_context
def remove(context: click.Context, /, *, domain: str, **how: How) -> None:
    """Send the mail of DOMAIN where it went before."""
    asked = Asked.of(how)
    if asked.dry_run:
        asked.would(f"send mail for {domain} where it went before")
        return
    answer = client_of(context).ask("DELETE", f"/dns/overrides/{segment(domain)}", asked.query)
    asked.tell(answer, f"{domain} goes where it went before")
