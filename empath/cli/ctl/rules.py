"""``empathctl suspend``, ``resume``, ``suspensions`` and ``limit``: decisions that survive a restart."""

import time

import click

from empath.cli.ctl import completing
from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows
from empath.cli.ctl.asking import Asked, How, changes, nothing_chosen
from empath.cli.ctl.client import Client, Record, segment
from empath.cli.ctl.units import age, counted
from empath.cli.program import Listing

_COLUMNS = ("ID", "KIND", "FOR", "LIMITS", "BY", "ENDS IN", "REASON")


@click.command()
@click.option("--lane", metavar="NAME", help="A destination site.", shell_complete=completing.lanes)
@click.option("--domain", metavar="NAME", help="A recipient domain.")
@click.option("--sender", metavar="ADDR", help="<> is the null reverse-path.")
@click.option("--for", "duration", metavar="TIME", help="Resume by itself after this time: 30m, 2h.")
@changes
@click.pass_context
def suspend(
    context: click.Context,
    /,
    *,
    lane: str | None,
    domain: str | None,
    sender: str | None,
    duration: str | None,
    **how: How,
) -> None:
    """Attempt nothing for a lane, a domain or a sender: neither what is here nor what comes."""
    target, client, asked = _target(lane=lane, domain=domain, sender=sender), client_of(context), Asked.of(how)
    if asked.dry_run:
        whom = " ".join(f"{name} {value or '<>'}" for name, value in target.items())
        asked.would(f"attempt nothing for {whom}: {_waiting(client, target)}, and what comes")
        return
    rule = client.ask("POST", "/suspensions", content={**target, **_term(duration, asked.reason)})
    asked.tell(rule, f"suspended ({rule['id']}); end it with empathctl resume {rule['id']}")


def _waiting(client: Client, target: Record, rate_per_s: float | None = None) -> str:
    """How much of what is here a decision is about, and how long that takes at a rate."""
    selector = {**target, **({"domain": [target["domain"]]} if "domain" in target else {})}
    survey = client.ask("POST", "/actions", content={"verb": "hold", "selector": selector, "dry_run": True})
    takes = f", {age(survey['count'] / rate_per_s)} at this rate" if rate_per_s and survey["count"] else ""
    return f"{counted(survey['count'], 'delivery', 'deliveries')} here{takes}"


@click.command()
@click.argument("name", metavar="ID", shell_complete=completing.rules)
@changes
@click.pass_context
def resume(context: click.Context, /, *, name: str, **how: How) -> None:
    """End a suspension."""
    _end(client_of(context), "suspensions", name, Asked.of(how), "is ended; what waited for it is due")


def _end(client: Client, kind: str, name: str, asked: Asked, words: str) -> None:
    if asked.dry_run:
        found = [rule for rule in client.get("/rules")["rules"] if rule["id"] == name]
        asked.would(f"end {' '.join(_row(found[0]))}" if found else f"do nothing: there is no {name}")
        return
    asked.tell(client.ask("DELETE", f"/{kind}/{segment(name)}", asked.query), f"{name} {words}")


@click.command()
@json_option
@click.pass_context
def suspensions(context: click.Context, as_json: bool) -> None:
    """List the decisions that are in force: suspensions, freezes, opened breakers, limits."""
    answer = client_of(context).get("/rules")
    print_json(answer) if as_json else _print(answer)


@click.group(cls=Listing)
def limit() -> None:
    """Lay other limits over those of the configuration, for a time."""


@limit.command(name="set")
@click.argument("domain")
@click.argument("settings", nargs=-1, required=True, metavar="rate=50/min conns=3")
@click.option("--lane", "is_lane", is_flag=True, help="DOMAIN is the name of a lane.")
@click.option("--for", "duration", metavar="TIME", help="Lift it by itself after this time.")
@changes
@click.pass_context
def set_(
    context: click.Context,
    /,
    *,
    domain: str,
    settings: tuple[str, ...],
    is_lane: bool,
    duration: str | None,
    **how: How,
) -> None:
    """Set a rate, a number of connections, or both, for a domain or a lane."""
    client, asked = client_of(context), Asked.of(how)
    said: Record = {"lane" if is_lane else "domain": domain, **_term(duration, asked.reason)}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name == "rate" and value:
            said["rate"] = value
        elif name in ("conns", "connections") and value.isascii() and value.isdigit():
            said["connections"] = int(value)
        else:
            raise click.BadParameter(f"{setting!r} is neither rate=50/min nor conns=3")
    if asked.dry_run:
        asked.would(
            f"set {' '.join(settings)} for {domain}: {_waiting(client, {'lane' if is_lane else 'domain': domain})}"
        )
        return
    rule = client.ask("POST", "/overlays", content=said)
    waiting = _waiting(client, {"lane" if is_lane else "domain": domain}, rule["rate_per_s"])
    asked.tell(rule, f"{rule['id']} active; {waiting}; lift it with empathctl limit clear {rule['id']}")
    if not is_lane and "rate" in said and not asked.as_json:
        click.echo(f'to keep it: [delivery.domains."{domain}"] rate_limit = "{said["rate"]}"', err=True)


@limit.command(name="list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the limits that were set."""
    answer = client_of(context).get("/overlays")
    print_json(answer) if as_json else _print(answer)


@limit.command()
@click.argument("name", metavar="ID", shell_complete=completing.rules)
@changes
@click.pass_context
def clear(context: click.Context, /, *, name: str, **how: How) -> None:
    """Lift a limit that was set."""
    _end(client_of(context), "overlays", name, Asked.of(how), "is lifted")


def _target(*, lane: str | None, domain: str | None, sender: str | None) -> Record:
    given = {"lane": lane, "domain": domain, "sender": "" if sender == "<>" else sender}
    target: Record = {name: value for name, value in given.items() if value is not None}
    if not target:
        raise nothing_chosen("what to suspend", "--lane, --domain or --sender; `empathctl queue freeze` stops all")
    return target


def _term(duration: str | None, reason: str) -> Record:
    return {"reason": reason, **({"for": duration} if duration else {})}


def _print(answer: Record) -> None:
    print_rows(_COLUMNS, [_row(rule) for rule in answer["rules"]], nothing="nothing was decided")


def _row(rule: Record) -> tuple[str, ...]:
    scope = {name: rule[name] for name in ("lane", "domain", "sender") if rule[name] is not None}
    whom = " ".join(f"{name} {value or '<>'}" for name, value in scope.items()) or "everything"
    limits = [f"{rule['rate_per_s'] * 60:g}/min"] if rule["rate_per_s"] is not None else []
    limits += [f"{rule['connections']} conns"] if rule["connections"] is not None else []
    limits += [f"to {rule['next_hop']}"] if rule.get("next_hop") else []
    ends = age(max(0.0, rule["expires"] - time.time())) if rule["expires"] is not None else "-"
    return rule["id"], rule["kind"], whom, " ".join(limits) or "-", rule["by"], ends, rule["reason"]
