"""The daemon as a whole: ``status``, ``health``, ``ping``, ``stop``."""

import os
import time
from collections.abc import Iterator

import click

from empath.cli.ctl.answers import client_of, json_option, print_facts, print_json, print_rows, repeat, watch_option
from empath.cli.ctl.asking import Asked, How, changes
from empath.cli.ctl.client import Record
from empath.cli.ctl.units import age, count, counted, moment, share, size

FINDINGS = 1
"""The exit status for: it was looked at, and something is not in order."""


@click.command()
@watch_option
@json_option
@click.pass_context
def status(context: click.Context, every_s: float | None, as_json: bool) -> None:
    """Show the daemon at a glance."""
    client = client_of(context)

    def show() -> None:
        answer = client.get("/status")
        print_json(answer) if as_json else print_facts(_facts(answer))

    repeat(show, every_s)


def _facts(answer: Record) -> Iterator[tuple[str, str]]:
    ready = "ready" if answer["ready"] else f"not ready: {', '.join(answer['failing'])}"
    marks = [answer["state"], ready, *(["FROZEN"] if answer["frozen"] else [])]
    marks += ["SANDBOX: mail is captured here"] if answer["mode"] == "sandbox" else []
    yield "node", f"{answer['node']} · empath {answer['version']} · up {age(answer['now'] - answer['started'])}"
    yield "state", " · ".join(marks)
    queue = answer["queue"]
    if queue is None:
        yield "queue", "the spool does not answer"
    else:
        damaged = f" · {count(queue['quarantined'])} in quarantine" if queue["quarantined"] else ""
        waiting, busy = count(queue["waiting"]), count(queue["in_progress"])
        yield "queue", f"{counted(queue['messages'], 'message')} · {waiting} waiting · {busy} in progress{damaged}"
    since = moment(answer["started"])
    yield "in", f"{answer['received_per_s']:.3g}/s · {counted(answer['received'], 'message')} since {since}"
    rate = share(answer["success_rate"])
    done = counted(answer["delivered"], "delivery", "deliveries")
    yield "out", f"{answer['delivered_per_s']:.3g}/s · {done} · ok 15m {rate}"
    yield "disk", f"{size(answer['free_bytes'])} free"
    yield "smtp", " ".join(answer["listeners"])
    for name, place in answer["sections"].items():
        yield name, f"{'https' if name in answer['https'] else 'http'}://{place}"
    if answer["needs_restart"]:
        yield "restart", f"needed for {', '.join(answer['needs_restart'])}"
    if answer["reload_problem"]:
        yield "config", f"the latest reload has failed: {answer['reload_problem'].splitlines()[0]}"


@click.command()
@json_option
@click.pass_context
def health(context: click.Context, as_json: bool) -> None:
    """Show each check of the daemon's health. Status 0: all is well. 1: something is not."""
    answer = client_of(context).get("health/detailed", accepts=503)
    if as_json:
        print_json(answer)
    else:
        rows = [_check(check) for check in answer["checks"]]
        print_rows(("CHECK", "STATE", "VALUE", "LIMIT", "SINCE", "HINT"), rows, nothing="nothing is checked")
    context.exit(os.EX_OK if answer["status"] == "ok" else FINDINGS)


def _check(check: Record) -> tuple[str, ...]:
    since = age(time.time() - check["since"]) if check["since"] else "-"
    state = "ok" if check["ok"] else "NOT OK"
    shown = size if check["name"] == "disk" else _figure
    return check["name"], state, shown(check["value"]), shown(check["limit"]), since, check.get("hint") or ""


def _figure(value: float | str | None) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@click.command()
@click.pass_context
def ping(context: click.Context) -> None:
    """Ask the daemon whether it is there, and print how long the answer took."""
    client, began = client_of(context), time.monotonic()
    answer = client.get("/version")
    click.echo(f"{answer['node']} empath {answer['empath']} answered in {1000 * (time.monotonic() - began):.1f} ms")


@click.command()
@changes
@click.pass_context
def stop(context: click.Context, /, **how: How) -> None:
    """End the daemon in good order, as SIGTERM does; a second time ends it at once."""
    client, asked = client_of(context), Asked.of(how)
    asked.confirm(f"stop {client.name}?")
    if asked.dry_run:
        asked.would(f"stop {client.name}")
        return
    answer = client.ask("POST", "/stop", asked.query)
    asked.tell(answer, f"it ends; what is under way may take {age(answer['grace_s'])}")
