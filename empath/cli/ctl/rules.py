"""``empathctl suspend``, ``resume``, ``suspensions`` and ``limit``: decisions that survive a restart."""

import os
import time

import click

from empath.cli.complaint import Code, Complaint
from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows
from empath.cli.ctl.client import Record, segment
from empath.cli.ctl.units import age

_COLUMNS = ("ID", "KIND", "FOR", "LIMITS", "BY", "ENDS IN", "REASON")


@click.command()
@click.option("--lane", metavar="NAME")
@click.option("--domain", metavar="NAME")
@click.option("--sender", metavar="ADDR", help="<> is the null reverse-path.")
@click.option("--for", "duration", metavar="TIME", help="Resume by itself after this time: 30m, 2h.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@json_option
@click.pass_context
def suspend(
    context: click.Context,
    *,
    lane: str | None,
    domain: str | None,
    sender: str | None,
    duration: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Attempt nothing for a lane, a domain or a sender: neither what is here nor what comes."""
    target = _target(lane=lane, domain=domain, sender=sender)
    rule = client_of(context).ask("POST", "/suspensions", content={**target, **_term(duration, reason)})
    print_json(rule) if as_json else click.echo(f"suspended ({rule['id']}); end it with empathctl resume {rule['id']}")


@click.command()
@click.argument("name", metavar="ID")
@click.pass_context
def resume(context: click.Context, name: str) -> None:
    """End a suspension."""
    client_of(context).ask("DELETE", f"/suspensions/{segment(name)}")
    click.echo(f"{name} is ended; what waited for it is due")


@click.command()
@json_option
@click.pass_context
def suspensions(context: click.Context, as_json: bool) -> None:
    """List the decisions that are in force: suspensions, freezes, opened breakers, limits."""
    answer = client_of(context).get("/rules")
    print_json(answer) if as_json else _print(answer)


@click.group()
def limit() -> None:
    """Lay other limits over those of the configuration, for a time."""


@limit.command(name="set")
@click.argument("domain")
@click.argument("settings", nargs=-1, required=True, metavar="rate=50/min conns=3")
@click.option("--lane", "is_lane", is_flag=True, help="DOMAIN is the name of a lane.")
@click.option("--for", "duration", metavar="TIME", help="Lift it by itself after this time.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@json_option
@click.pass_context
def set_(
    context: click.Context,
    *,
    domain: str,
    settings: tuple[str, ...],
    is_lane: bool,
    duration: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Set a rate, a number of connections, or both, for a domain or a lane."""
    said: Record = {"lane" if is_lane else "domain": domain, **_term(duration, reason)}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name == "rate" and value:
            said["rate"] = value
        elif name in ("conns", "connections") and value.isascii() and value.isdigit():
            said["connections"] = int(value)
        else:
            raise click.BadParameter(f"{setting!r} is neither rate=50/min nor conns=3")
    rule = client_of(context).ask("POST", "/overlays", content=said)
    if as_json:
        print_json(rule)
        return
    click.echo(f"{rule['id']} active; lift it with empathctl limit clear {rule['id']}")
    if not is_lane and "rate" in said:
        click.echo(f'to keep it: [delivery.domains."{domain}"] rate_limit = "{said["rate"]}"', err=True)


@limit.command(name="list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the limits that were set."""
    answer = client_of(context).get("/overlays")
    print_json(answer) if as_json else _print(answer)


@limit.command()
@click.argument("name", metavar="ID")
@click.pass_context
def clear(context: click.Context, name: str) -> None:
    """Lift a limit that was set."""
    client_of(context).ask("DELETE", f"/overlays/{segment(name)}")
    click.echo(f"{name} is lifted")


def _target(*, lane: str | None, domain: str | None, sender: str | None) -> Record:
    given = {"lane": lane, "domain": domain, "sender": "" if sender == "<>" else sender}
    target: Record = {name: value for name, value in given.items() if value is not None}
    if not target:
        raise Complaint(
            Code.NOTHING_CHOSEN,
            "nothing says what to suspend",
            why="a selector that was forgotten would be one that means everything, so nothing was done",
            remedy="--lane, --domain or --sender; `empathctl queue freeze` stops all",
            status=os.EX_USAGE,
        )
    return target


def _term(duration: str | None, reason: str) -> Record:
    return {"reason": reason, **({"for": duration} if duration else {})}


def _print(answer: Record) -> None:
    print_rows(_COLUMNS, [_row(rule) for rule in answer["rules"]], nothing="nothing was decided")


def _row(rule: Record) -> tuple[str, ...]:
    scope = {name: rule[name] for name in ("lane", "domain", "sender") if rule[name] is not None}
    whom = " ".join(f"{name} {value or '<>'}" for name, value in scope.items()) or "everything"
    limits = [f"{rule['rate_per_s']:.3g}/s"] if rule["rate_per_s"] is not None else []
    limits += [f"{rule['connections']} conns"] if rule["connections"] is not None else []
    ends = age(max(0.0, rule["expires"] - time.time())) if rule["expires"] is not None else "-"
    return rule["id"], rule["kind"], whom, " ".join(limits) or "-", rule["by"], ends, rule["reason"]
