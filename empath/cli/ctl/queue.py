"""``empathctl queue``: the mail that is here, and what can be done to it."""

import time

import click

from empath.cli.ctl import completing
from empath.cli.ctl.acting import act
from empath.cli.ctl.answers import (
    client_of,
    json_option,
    jsonl_option,
    print_facts,
    print_json,
    print_lines,
    print_rows,
    repeat,
    watch_option,
)
from empath.cli.ctl.asking import Asked, How, changes
from empath.cli.ctl.choosing import Filters, filters, selector_of, verb_options
from empath.cli.ctl.client import Record, segment
from empath.cli.ctl.dialogues import Screen, accompany
from empath.cli.ctl.stories import print_message
from empath.cli.ctl.units import age, count
from empath.cli.program import Listing

_PORTION = 1000
_TRACE_S = 30.0
_STATUSES = ("pending", "in_progress", "retry", "held", "uncertain", "failed", "expired", "deleted", "quarantined")


@click.group(cls=Listing)
def queue() -> None:
    """See and change the mail that is here."""


@queue.command(name="list")
@filters
@click.option("--deleted", is_flag=True, help="What lies in the trash.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many, in all.")
@click.option("--cursor", metavar="TEXT", help="Go on where the last list ended.")
@json_option
@jsonl_option
@click.pass_context
def list_(
    context: click.Context,
    /,
    *,
    deleted: bool,
    limit: int,
    cursor: str | None,
    as_json: bool,
    as_lines: bool,
    **chosen: Filters,
) -> None:
    """List deliveries, the oldest message first."""
    client, left, rows = client_of(context), limit, list[Record]()
    while left > 0:
        query = {**selector_of(chosen), "deleted": deleted or None, "limit": min(left, _PORTION), "cursor": cursor}
        answer = client.get("/messages", query)
        found, cursor = answer["deliveries"], answer["cursor"]
        left -= len(found)
        if as_lines:
            print_lines(found)
        else:
            rows += found
        if cursor is None:
            break
    if as_json:
        print_json({"schema": "empath.messages/1", "deliveries": rows, "cursor": cursor})
    elif not as_lines:
        columns = ("DELIVERY", "STATUS", "WAIT", "AGE", "NEXT", "TRIES", "FROM", "TO", "REPLY")
        now = client.get("/queue")["now"]
        print_rows(columns, [_row(one, now) for one in rows], nothing="there is no such mail")
        if cursor is not None:
            click.echo(f"there is more: --cursor {cursor}, or a larger --limit", err=True)


def _row(one: Record, now: float) -> tuple[str, ...]:
    status = "deleted" if one["deleted"] else "damaged" if one["damaged"] else one["status"]
    upcoming = age(max(0.0, one["next_attempt"] - now)) if one["next_attempt"] is not None else "-"
    sender, recipient = one["sender"] or "<>", one["recipient"] or f"@{one['domain']}"
    said = one["note"] or one["reply"]
    waits = (one["delivery"], status, one["wait"] or "-", age(now - one["received"]), upcoming)
    return (*waits, str(one["attempts"]), sender, recipient, said)


@queue.command()
@click.argument("mid", shell_complete=completing.messages)
@click.option("--raw", is_flag=True, help="Print the message and nothing else, octet for octet.")
@click.option("--headers", is_flag=True, help="Print its header, octet for octet.")
@json_option
@click.pass_context
def view(context: click.Context, /, *, mid: str, raw: bool, headers: bool, as_json: bool) -> None:
    """Show one message, and why each of its deliveries waits."""
    client = client_of(context)
    if raw or headers:
        if as_json or (raw and headers):
            raise click.UsageError("--raw, --headers and --json exclude each other")
        click.echo(client.octets("GET", f"/messages/{segment(mid)}/raw", {"headers": headers}), nl=False)
        return
    answer = client.get(f"/messages/{segment(mid)}")
    if as_json:
        print_json(answer)
    else:
        print_message(answer, client.get("/queue")["now"])


@queue.command()
@watch_option
@json_option
@click.pass_context
def stats(context: click.Context, every_s: float | None, as_json: bool) -> None:
    """Count deliveries by status."""
    client = client_of(context)

    def show() -> None:
        answer = client.get("/queue")
        facts = [("messages", count(answer["messages"])), *((name, count(answer[name])) for name in _STATUSES)]
        print_json(answer) if as_json else print_facts(facts)

    repeat(show, every_s)


@queue.command()
@json_option
@click.pass_context
def shape(context: click.Context, as_json: bool) -> None:
    """Count what waits, by lane and age."""
    answer = client_of(context).get("/queue/shape")
    if as_json:
        print_json(answer)
        return
    bounds = [f"<{age(bound)}" for bound in answer["bounds_s"]]
    columns = ("LANE", "TOTAL", *bounds, f">{bounds[-1][1:]}")
    rows = [(row["lane"], str(row["total"]), *map(str, row["counts"])) for row in answer["rows"]]
    print_rows(columns, rows, nothing="nothing waits")


def _verb(verb: str, meaning: str) -> click.Command:
    @click.command(name=verb, help=meaning)
    @verb_options
    @click.pass_context
    def run(
        context: click.Context,
        /,
        *,
        names: tuple[str, ...],
        everything: bool,
        reason: str,
        dry_run: bool,
        yes: bool,
        as_json: bool,
        **chosen: Filters,
    ) -> None:
        act(
            client_of(context),
            verb,
            selector_of(chosen, names),
            everything=everything,
            reason=reason,
            dry_run=dry_run,
            yes=yes or bool(names),
            as_json=as_json,
        )

    return run


for _name, _meaning in {
    "hold": "Put mail on hold until it is released.",
    "release": "Let mail go on that is on hold.",
    "delete": "Move mail to the trash. Nobody is told.",
    "undelete": "Bring mail back from the trash.",
}.items():
    queue.add_command(_verb(_name, _meaning))


@queue.command()
@verb_options
@click.option("--trace", is_flag=True, help="Print what is said to the next hops, to the end of the first message.")
@click.pass_context
def retry(
    context: click.Context,
    /,
    *,
    names: tuple[str, ...],
    trace: bool,
    everything: bool,
    reason: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **chosen: Filters,
) -> None:
    """Make mail due now. All limits hold as before."""
    client, selector = client_of(context), selector_of(chosen, names)

    def make_due() -> None:
        act(
            client,
            "retry",
            selector,
            everything=everything,
            reason=reason,
            dry_run=dry_run,
            yes=yes or bool(names),
            as_json=as_json,
        )

    if trace and not (dry_run or as_json):
        accompany(client, _dialogues(selector), Screen(since=time.monotonic()), make_due, patience_s=_TRACE_S)
    else:
        make_due()


def _dialogues(selector: Record) -> Record:
    """Which dialogues are about chosen mail, as far as one can hear that."""
    wanted: Record = {"way": "out"}
    wanted |= {name: selector[name] for name in ("domain", "lane", "sender", "recipient") if name in selector}
    mids = [name.partition(".")[0] for name in selector.get("id", ())]
    return wanted | ({"mid": mids} if mids else {})


@queue.command()
@verb_options
@click.option("--no-dsn", is_flag=True, help="Tell no sender.")
@click.pass_context
def bounce(
    context: click.Context,
    /,
    *,
    names: tuple[str, ...],
    no_dsn: bool,
    everything: bool,
    reason: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **chosen: Filters,
) -> None:
    """End mail as failed, and report that to its senders when it cannot be undone any more."""
    act(
        client_of(context),
        "fail" if no_dsn else "bounce",
        selector_of(chosen, names),
        everything=everything,
        reason=reason,
        dry_run=dry_run,
        yes=yes or bool(names),
        as_json=as_json,
    )


@queue.command()
@click.option("--for", "duration", metavar="TIME", help="Thaw by itself after this time.")
@changes
@click.pass_context
def freeze(context: click.Context, /, *, duration: str | None, **how: How) -> None:
    """Stop all attempts of this node. Mail is taken as before."""
    client, asked = client_of(context), Asked.of(how)
    if asked.dry_run:
        asked.would(f"stop all attempts: {count(client.get('/queue')['pending'])} pending, and all that comes")
        return
    said: Record = {"reason": asked.reason, **({"for": duration} if duration else {})}
    rule = client.ask("PUT", "/queue/freeze", content=said)
    asked.tell(rule, f"frozen ({rule['id']}); end it with empathctl queue thaw")


@queue.command()
@changes
@click.pass_context
def thaw(context: click.Context, /, **how: How) -> None:
    """End the freeze."""
    client, asked = client_of(context), Asked.of(how)
    if asked.dry_run:
        asked.would("go on with all attempts" if client.get("/status")["frozen"] else "do nothing: it is not frozen")
        return
    answer = client.ask("DELETE", "/queue/freeze", asked.query)
    asked.tell(answer, "attempts go on" if answer["changed"] else "it was not frozen")
