"""``empathctl drain``, ``undrain`` and ``pool``: out of service and back, and the connections to next hops."""

import os
import sys
import time

import click

from empath.cli.ctl.answers import client_of, json_option, jsonl_option, print_json, print_lines, print_rows
from empath.cli.ctl.asking import Asked, How, changes, nothing_chosen
from empath.cli.ctl.client import Client, Record
from empath.cli.ctl.units import age, count, counted
from empath.cli.program import Listing
from empath.config.units import UnitError, parse_duration

_POLL_S = 0.2


@click.command()
@click.option("--timeout", metavar="TIME", default="30s", show_default=True, help="How long to wait for what goes on.")
@changes
@click.pass_context
def drain(context: click.Context, /, *, timeout: str, **how: How) -> None:
    """Take nothing more in, attempt nothing more, and wait for what is under way.

    Clients are answered 421 4.3.2 and come back; all mail is on the disk. The status is 0 when the daemon can be
    stopped without interrupting anything, and 75 if something was under way to the end of the time: it stays drained.
    """
    client, asked = client_of(context), Asked.of(how)
    ends = time.monotonic() + _seconds(timeout)
    if asked.dry_run:
        asked.would(f"take nothing more in, and wait for what is in flight: {_under_way(client.get('/drain'))}")
        return
    answer = client.ask("PUT", "/drain", content={"reason": asked.reason})
    if not asked.as_json:
        click.echo("accepting: off (421 4.3.2)", err=True)
    answer = _wait(client, answer, ends, tells=not asked.as_json)
    end = "safe to stop" if answer["safe_to_stop"] else f"still in flight: {_under_way(answer)}"
    asked.tell(answer, f"drained · queue on disk {count(answer['waiting'])} · {end} · undo: empathctl undrain")
    context.exit(os.EX_OK if answer["safe_to_stop"] else os.EX_TEMPFAIL)


def _wait(client: Client, answer: Record, ends: float, *, tells: bool) -> Record:
    """Wait for the end of what is under way, and say each time how much it is if that has changed."""
    said = ""
    while True:
        words = _under_way(answer)
        if tells and words != said:
            click.echo(f"\r\x1b[Kin flight {words}" if sys.stderr.isatty() else f"in flight {words}", err=True)
            said = words
        if answer["safe_to_stop"] or time.monotonic() >= ends:
            return answer
        time.sleep(_POLL_S)
        answer = client.get("/drain")


def _under_way(answer: Record) -> str:
    slowest = answer["slowest"]
    longest = (
        f" ({slowest[0]['host']} {slowest[0]['stage'].upper()} {age(round(slowest[0]['busy_s']))})" if slowest else ""
    )
    sessions = f", {counted(answer['sessions'], 'session')}" if answer["sessions"] else ""
    return f"{count(answer['deliveries'])}{longest}{sessions}"


@click.command()
@changes
@click.pass_context
def undrain(context: click.Context, /, **how: How) -> None:
    """Take and send mail again."""
    client, asked = client_of(context), Asked.of(how)
    was_drained = client.get("/drain")["draining"]
    if asked.dry_run:
        asked.would("take and send mail again" if was_drained else "do nothing: it is not drained")
        return
    answer = client.ask("DELETE", "/drain", asked.query)
    done = "accepting: on" if was_drained else "it was not drained"
    asked.tell(answer, "the daemon is stopping already" if answer["draining"] else done)


@click.group(cls=Listing)
def pool() -> None:
    """See and close the connections to next hops."""


@pool.command(name="list")
@click.option("--lane", metavar="NAME", help="Only those of this lane.")
@click.option("--host", metavar="NAME", help="Only those to this host.")
@json_option
@jsonl_option
@click.pass_context
def list_(context: click.Context, lane: str | None, host: str | None, as_json: bool, as_lines: bool) -> None:
    """List the connections that are open, the oldest first."""
    answer = client_of(context).get("/pool", {"lane": lane, "host": host, "limit": 10_000})
    if as_json:
        print_json(answer)
    elif as_lines:
        print_lines(answer["connections"])
    else:
        columns = ("LANE", "HOST", "ADDRESS", "TLS", "MESSAGES", "STAGE", "FOR")
        print_rows(columns, [_row(one) for one in answer["connections"]], nothing="no connection is open")


def _row(one: Record) -> tuple[str, ...]:
    figures = (str(one["messages"]), one["stage"], age(one["busy_s"]))
    return (one["lane"], one["host"], one["address"], one["tls"] or "-", *figures)


@pool.command()
@click.option("--lane", metavar="NAME", help="Those of this lane.")
@click.option("--host", metavar="NAME", help="Those to this host.")
@click.option("--all", "everything", is_flag=True, help="Every one of them.")
@changes
@click.pass_context
def close(context: click.Context, /, *, lane: str | None, host: str | None, everything: bool, **how: How) -> None:
    """Close connections. What is under way comes to its end; the next message gets a new one."""
    if lane is None and host is None and not everything:
        raise nothing_chosen("which connections", "--lane or --host; --all closes every one")
    asked = Asked.of(how)
    said = {"lane": lane, "host": host, "all": everything, "dry_run": asked.dry_run}
    answer = client_of(context).ask("POST", "/pool/close", asked.query, content=said)
    asked.tell(answer, f"{'would close' if asked.dry_run else 'closing'} {counted(answer['count'], 'connection')}")


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except UnitError as error:
        raise click.BadParameter(str(error), param_hint="--timeout") from None
