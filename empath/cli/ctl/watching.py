"""``empathctl events`` and ``live``: what happens, as it happens."""

from collections.abc import Iterable

import click

from empath.cli.ctl.answers import client_of, json_option, jsonl_option, print_json, print_lines
from empath.cli.ctl.client import Record
from empath.cli.ctl.feed import Feed, watch
from empath.cli.render import printable

_FILTERS = ("type", "outcome", "domain", "lane", "sender", "mid")


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens from now on, until Ctrl-C.")
@click.option("--type", multiple=True, metavar="WORD", help="received, attempt, bounced, breaker, rule_set and so on.")
@click.option("--outcome", multiple=True, metavar="WORD", help="Of attempts: delivered, deferred, bounced.")
@click.option("--domain", multiple=True, metavar="DOMAIN", help="Of a recipient. A star stands for anything.")
@click.option("--lane", multiple=True, metavar="LANE", help="Of the lane.")
@click.option("--sender", multiple=True, metavar="ADDRESS", help="Of the sender.")
@click.option("--mid", multiple=True, metavar="MID", help="Of the message.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many of the past.")
@json_option
@jsonl_option
@click.pass_context
def events(
    context: click.Context, /, *, follow: bool, limit: int, as_json: bool, as_lines: bool, **said: tuple[str, ...]
) -> None:
    """Show what happened lately to messages and lanes."""
    client = client_of(context)
    wanted = {name: list(said[name]) for name in _FILTERS if said[name]}
    past = client.get("/events", {**wanted, "limit": limit})
    if as_json and not follow:
        print_json(past)
        return
    _print(past["events"], as_lines or as_json)
    if follow:

        async def talk(feed: Feed) -> None:
            await feed.subscribe(1, "events", filter=wanted)
            while True:
                frame = await feed.frame()
                if frame["t"] == "event":
                    _print(frame["data"], as_lines or as_json)
                elif frame["t"] == "gap":
                    click.echo(f"{frame['dropped']} events are not shown: they came too fast", err=True)

        watch(client, talk)


def _print(records: Iterable[Record], as_lines: bool) -> None:
    if as_lines:
        print_lines(records)
        return
    for record in records:
        click.echo(_line(record))


def _line(record: Record) -> str:
    """One line for people: when, what, whom, where, and what was said."""
    recipients = record.get("recipients") or ()
    more = f" and {record['more_recipients']} more" if "more_recipients" in record else ""
    told = record.get("smtp_response") or record.get("cause") or record.get("reason") or record.get("scope") or ""
    change = f"{record['before']} -> {record['after']}" if "before" in record else ""
    words = (
        record["time"][11:19],
        record.get("outcome") or record["event"],
        record.get("mid") or record.get("rule") or "",
        " ".join(recipients) + more,
        record.get("mx_server") or record.get("lane") or record.get("peer") or "",
        change,
        told,
    )
    return printable(" ".join(str(word) for word in words if word))


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...")
@click.option("--every", "every_s", type=click.FloatRange(0.25, 3600), metavar="SECONDS", help="Between two frames.")
@click.pass_context
def live(context: click.Context, topics: tuple[str, ...], every_s: float | None) -> None:
    """Print the frames of the live websocket as they come, one a line: stats, lanes, queue, breakers, rules, health,
    jobs, events, log.
    """

    async def talk(feed: Feed) -> None:
        for number, topic in enumerate(topics, start=1):
            await feed.subscribe(number, topic, every=every_s)
        while True:
            click.echo(await feed.text())

    watch(client_of(context), talk)
