"""``empathctl history``: what became of the mail of an address, or of one message."""

import click

from empath.cli.audit.past import step_lines, story_lines
from empath.cli.ctl.answers import client_of, json_option, jsonl_option, print_json, print_lines
from empath.cli.ctl.units import moment
from empath.cli.render import printable

_WHY = {
    "time": "the search was given up after audit.history_timeout",
    "records": "as many records were found as audit.history_records allows",
    "unreadable": "a compressed file of the audit log is damaged (empath audit verify)",
}


@click.command()
@click.argument("of", metavar="ADDRESS|MID")
@click.option("--since", metavar="AGE", help="How far back to look: 30m, 4h.  [of an address 7d, else all there is]")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many deliveries, the newest."
)
@click.option("--steps", is_flag=True, help="Show what happened on the way, too.")
@json_option
@jsonl_option
@click.pass_context
def history(
    context: click.Context, /, *, of: str, since: str | None, limit: int, steps: bool, as_json: bool, as_lines: bool
) -> None:
    """Tell what became of the mail from or to an address, or of one message, out of the audit log."""
    answer = client_of(context).get("/history", {"of": of, "since": since, "limit": limit})
    if as_json:
        print_json(answer)
    elif as_lines:
        print_lines(answer["stories"])
    else:
        for story in answer["stories"]:
            for line in [*story_lines(story, asked=of), *(step_lines(story) if steps else ())]:
                click.echo(printable(line))
        _say_what_is_missing(answer, of)


def _say_what_is_missing(answer: dict[str, object], of: str) -> None:
    if not answer["stories"]:
        click.echo(f"nothing is known of {printable(of)} since {moment(float(str(answer['since'])))}", err=True)
    if answer["hidden"]:
        click.echo("the log hides addresses (audit.redact_*): only names of messages lead to anything", err=True)
    if answer["left_out"]:
        click.echo(f"{answer['left_out']} older ones are left out: a larger --limit shows them", err=True)
    if answer["limit"]:
        click.echo(f"this may not be all: {_WHY[str(answer['limit'])]}; a shorter --since may do", err=True)
