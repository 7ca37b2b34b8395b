"""``empath audit report``: what a day was like."""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import msgspec

from empath.cli.audit.files import Reading, read
from empath.cli.ctl.units import age, count, size
from empath.cli.render import print_table, printable
from empath.cli.settings import config_option, configuration
from empath.ops.audit.digest import Digest, DigestOfDay, DomainLine
from empath.ops.audit.seeking import Sought


class Day(click.ParamType[date]):
    """A day of UTC."""

    name = "DAY"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it."""
        today = datetime.now(UTC).date()
        if isinstance(value, date):
            return value
        try:
            return {"today": today, "yesterday": today - timedelta(days=1)}.get(str(value)) or date.fromisoformat(
                str(value)
            )
        except ValueError:
            self.fail(f"{value!r} is no day: today, yesterday, or one like 2026-11-22", param, ctx)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE|DIRECTORY]...")
@config_option
@click.option("--day", type=Day(), default="yesterday", show_default=True, help="today, yesterday or 2026-11-22; UTC.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="Lines of each table.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (empath.audit-digest/1).")
def report(*, paths: tuple[Path, ...], config_file: Path | None, day: date, top: int, as_json: bool) -> None:
    """Tell what a day was like: how much mail, where it went, what failed, what was slow, who did what."""
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    sought = Sought(since=begins.timestamp(), until=(begins + timedelta(days=1)).timestamp())

    async def collect(reading: Reading) -> Digest:
        digest = DigestOfDay(str(day))
        async with aclosing(reading.search.hits(sought, reading.volumes)) as found:
            async for some in found:
                for hit in some:
                    digest.take(hit.record)
        return digest.told(top=top)

    digest = read(configuration(config_file), paths, collect)
    if as_json:
        click.echo(msgspec.json.encode(digest))
    else:
        _print(digest)


def _print(digest: Digest) -> None:
    click.echo(f"{digest.day} (UTC)")
    for name, value in (
        ("received", f"{count(digest.received)} messages, {size(digest.received_bytes)}"),
        ("rejected", count(digest.rejected)),
        ("delivered", count(digest.delivered)),
        ("deferred", f"{count(digest.deferred)} attempts"),
        ("bounced", count(digest.bounced)),
        ("expired", count(digest.expired)),
        ("reports", count(digest.reports)),
        ("logins refused", count(digest.logins_refused)),
        ("records dropped", count(digest.dropped)),
    ):
        click.echo(f"  {name:16}{value}")
    columns = ("DOMAIN", "DELIVERED", "DEFERRED", "BOUNCED", "EXPIRED", "P50", "P95")
    _section("domains with most mail", columns, [_cells(one) for one in digest.domains])
    _section("slowest domains", columns, [_cells(one) for one in digest.slowest])
    failures = [(str(one.count), one.lane, one.outcome, one.about or "-", one.smtp_response) for one in digest.failures]
    _section("failures", ("COUNT", "LANE", "OUTCOME", "CLASS", "REPLY"), failures)
    _section("rejections", ("COUNT", "REPLY"), [(str(number), reply) for reply, number in digest.rejections])
    _section("senders", ("MESSAGES", "SENDER"), [(str(number), sender) for sender, number in digest.senders])
    if digest.decisions:
        click.echo("\nwhat operators did")
        for line in digest.decisions:
            click.echo(f"  {printable(line)}")


def _section(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        click.echo(f"\n{title}")
        print_table(columns, rows)


def _cells(line: DomainLine) -> tuple[str, ...]:
    numbers = (line.delivered, line.deferred, line.bounced, line.expired)
    return (line.domain, *map(str, numbers), age(line.p50_s), age(line.p95_s))
