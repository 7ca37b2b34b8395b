"""``empathctl lanes``, ``breakers`` and ``explain``: where mail goes, and what holds it up."""

import click

from empath.cli.ctl import completing
from empath.cli.ctl.answers import (
    client_of,
    json_option,
    jsonl_option,
    print_json,
    print_lines,
    print_rows,
    repeat,
    watch_option,
)
from empath.cli.ctl.asking import Asked, How, changes
from empath.cli.ctl.client import Record, segment
from empath.cli.ctl.stories import print_explanation, print_lane
from empath.cli.ctl.units import age, share
from empath.cli.program import Listing

_COLUMNS = ("LANE", "STATE", "QUEUED", "OLDEST", "CONN", "RATE", "LIMITED BY", "OK 15m", "P95", "LAST REPLY")


@click.group(cls=Listing)
def lanes() -> None:
    """See the lanes: one for each destination site."""


@lanes.command(name="list")
@click.option("--state", help="Only those: ok, slowed, breaker, suspended, frozen, idle.")
@click.option(
    "--sort",
    type=click.Choice(["queued", "oldest", "rate", "connections", "lane"]),
    default="queued",
    show_default=True,
    help="The largest first.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="How many, in all.")
@watch_option
@json_option
@jsonl_option
@click.pass_context
def list_(
    context: click.Context,
    *,
    state: str | None,
    sort: str,
    limit: int,
    every_s: float | None,
    as_json: bool,
    as_lines: bool,
) -> None:
    """List the lanes that have work, or of which something is known."""
    client = client_of(context)

    def show() -> None:
        answer = client.get("/lanes", {"state": state, "sort": sort, "limit": limit})
        if as_json:
            print_json(answer)
        elif as_lines:
            print_lines(answer["lanes"])
        else:
            print_rows(_COLUMNS, [_row(lane) for lane in answer["lanes"]], nothing="no lane has work")

    repeat(show, every_s)


def _row(lane: Record) -> tuple[str, ...]:
    limited = lane["limited_by"]["reason"] if lane["limited_by"] else "-"
    queued = f"{lane['queued']}{'+' if lane['more'] else ''}"
    connections = f"{lane['connections']}/{lane['window']}"
    figures = (queued, age(lane["oldest_s"]), connections, f"{lane['rate_per_s']:.3g}/s", limited)
    return (lane["lane"], lane["state"], *figures, share(lane["ok_share"]), age(lane["p95_s"]), lane["last_reply"])


@lanes.command()
@click.argument("lane", shell_complete=completing.lanes)
@json_option
@click.pass_context
def view(context: click.Context, lane: str, as_json: bool) -> None:
    """Show all that is known of a lane."""
    answer = client_of(context).get(f"/lanes/{segment(lane)}")
    print_json(answer) if as_json else print_lane(answer)


@lanes.command()
@click.argument("lane", shell_complete=completing.lanes)
@changes
@click.pass_context
def reset(context: click.Context, /, *, lane: str, **how: How) -> None:
    """Close its breaker, and forget what its hosts have asked for."""
    asked = Asked.of(how)
    if asked.dry_run:
        asked.would(f"close the breaker of {lane}, and forget what its hosts have asked for")
        return
    answer = client_of(context).ask("POST", f"/lanes/{segment(lane)}/reset", asked.query, content={})
    nothing = f"there is no lane {lane}, so there is nothing to forget"
    asked.tell(answer, f"{lane} begins anew" if answer["changed"] else nothing)


@click.group(cls=Listing)
def breakers() -> None:
    """See and move the breakers of lanes."""


@breakers.command(name="list")
@json_option
@click.pass_context
def list_breakers(context: click.Context, as_json: bool) -> None:
    """List the lanes whose breaker is not closed."""
    answer = client_of(context).get("/lanes", {"sort": "queued"})
    moved = [lane for lane in answer["lanes"] if lane["breaker"] != "closed"]
    if as_json:
        print_json({"schema": answer["schema"], "lanes": moved})
        return
    rows = [(lane["lane"], lane["breaker"], str(lane["queued"]), lane["last_reply"]) for lane in moved]
    print_rows(("LANE", "BREAKER", "QUEUED", "LAST REPLY"), rows, nothing="all breakers are closed")


@breakers.command(name="open")
@click.argument("lane", shell_complete=completing.lanes)
@click.option("--for", "duration", metavar="TIME", help="Then it probes as always.")
@changes
@click.pass_context
def open_(context: click.Context, /, *, lane: str, duration: str | None, **how: How) -> None:
    """Open the breaker of a lane: nothing is attempted there."""
    asked = Asked.of(how)
    if asked.dry_run:
        asked.would(f"attempt nothing in the lane {lane}")
        return
    said: Record = {"reason": asked.reason, **({"for": duration} if duration else {})}
    rule = client_of(context).ask("PUT", f"/breakers/{segment(lane)}", content=said)
    asked.tell(rule, f"open ({rule['id']}); close it with empathctl breakers close {lane}")


def _close(context: click.Context, lane: str, asked: Asked) -> None:
    if asked.dry_run:
        asked.would(f"close the breaker of {lane}")
        return
    answer = client_of(context).ask("DELETE", f"/breakers/{segment(lane)}", asked.query)
    asked.tell(answer, "closed" if answer["changed"] else "it was not open")


@breakers.command()
@click.argument("lane", shell_complete=completing.lanes)
@changes
@click.pass_context
def close(context: click.Context, /, *, lane: str, **how: How) -> None:
    """Close the breaker of a lane, whoever opened it."""
    _close(context, lane, Asked.of(how))


@breakers.command(name="reset")
@click.argument("lane", shell_complete=completing.lanes)
@changes
@click.pass_context
def reset_breaker(context: click.Context, /, *, lane: str, **how: How) -> None:
    """The same as close."""
    _close(context, lane, Asked.of(how))


@click.command()
@click.argument("about", metavar="MID|ADDRESS|LANE", shell_complete=completing.messages)
@json_option
@click.pass_context
def explain(context: click.Context, about: str, as_json: bool) -> None:
    """Say why a message or a lane waits, or what would become of a message to an address now."""
    answer = client_of(context).get("/explain", {"about": about})
    print_json(answer) if as_json else print_explanation(answer)
