"""``empath audit grep``: records, by what they are about."""

import time
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import click

from empath.cli.audit.files import Reading, read
from empath.cli.render import printable
from empath.cli.settings import config_option, configuration
from empath.config.units import UnitError, parse_duration
from empath.ops.audit.history import names_for
from empath.ops.audit.seeking import Hit, Sought, Told


class Moment(click.ParamType[float]):
    """An age like ``2h``, a day, or a moment in UTC; as seconds since 1970."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        text = str(value)
        try:
            return time.time() - parse_duration(text)
        except UnitError:
            pass
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is neither an age like 2h nor a moment like 2026-11-22T09:30", param, ctx)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE|DIRECTORY]...")
@config_option
@click.option("--address", metavar="ADDR", help="Of a sender or a recipient, in whatever capitals, or its hash.")
@click.option("--mid", metavar="MID", help="Of a message.")
@click.option("--lane", multiple=True, metavar="NAME", help="A destination site. Can be repeated.")
@click.option("--domain", multiple=True, metavar="NAME", help="A recipient domain. Can be repeated.")
@click.option("--event", multiple=True, metavar="NAME", help="attempt, received, bounced, ... Can be repeated.")
@click.option("--outcome", multiple=True, metavar="NAME", help="delivered, deferred, ... Can be repeated.")
@click.option("--reply", metavar="GLOB", help="What the host has said, with * and ?.")
@click.option("--since", type=Moment(), help="An age (2h), a day or a moment in UTC.")
@click.option("--until", type=Moment(), help="Before this.")
@click.option("--jsonl", "as_lines", is_flag=True, help="Print the records as they are, one on each line.")
def grep(
    *,
    paths: tuple[Path, ...],
    config_file: Path | None,
    address: str | None,
    mid: str | None,
    as_lines: bool,
    lane: tuple[str, ...],
    domain: tuple[str, ...],
    event: tuple[str, ...],
    outcome: tuple[str, ...],
    reply: str | None,
    since: float | None,
    until: float | None,
) -> None:
    """Print the records that meet all that is given, from compressed files too; those of the newest file first."""

    async def search(reading: Reading) -> int:
        sought = Sought(
            names=tuple(names_for(one, reading.key) for one in (address, mid) if one is not None),
            since=since,
            until=until,
            events=frozenset(event),
            outcomes=frozenset(outcome),
            lanes=frozenset(lane),
            domains=frozenset(one.lower() for one in domain),
            reply=reply,
        )
        number = 0
        async with aclosing(reading.search.hits(sought, reading.volumes)) as found:
            async for some in found:
                number += len(some)
                for hit in some:
                    _print(hit, as_lines=as_lines)
        return number

    number = read(configuration(config_file), paths, search)
    if not number:
        click.echo("there is no such record", err=True)


def _print(hit: Hit, *, as_lines: bool) -> None:
    if as_lines:
        click.echo(hit.line)
        return
    record = hit.record
    people = ",".join(record.get("recipients", ()))
    cells = (
        record.get("time"),
        record.get("event"),
        record.get("outcome"),
        record.get("mid") or record.get("session") or record.get("rule"),
        record.get("lane"),
        record.get("sender"),
        people,
        _words(record),
    )
    click.echo("\t".join(printable(str(cell)) if cell not in (None, "") else "-" for cell in cells))


def _words(record: Told) -> str:
    named = ("smtp_response", "verb", "selector", "by", "reason", "report", "class")
    return " ".join(str(record[name]) for name in named if name in record and (name != "class" or "report" in record))
