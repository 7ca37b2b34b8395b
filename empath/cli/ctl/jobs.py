"""``empathctl jobs``: what was done to much mail at once, and undoing it."""

import click

from empath.cli.ctl import completing
from empath.cli.ctl.acting import job_sentence
from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows
from empath.cli.ctl.client import Record
from empath.cli.ctl.units import count, moment
from empath.cli.program import Listing


@click.group(cls=Listing)
def jobs() -> None:
    """See, cancel and undo jobs."""


@jobs.command(name="list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the jobs, the newest first."""
    answer = client_of(context).get("/jobs")
    if as_json:
        print_json(answer)
        return
    columns = ("JOB", "VERB", "STATE", "DONE", "SKIPPED", "BY", "STARTED", "UNDO UNTIL", "SELECTOR", "REASON")
    print_rows(columns, [_row(job) for job in answer["jobs"]], nothing="there are no jobs")


def _row(job: Record) -> tuple[str, ...]:
    figures = (count(job["count"]), count(job["skipped"]), job["by"], moment(job["started"]), moment(job["undo_until"]))
    return (str(job["id"]), job["verb"], job["state"], *figures, job["selector"], job["reason"])


@jobs.command()
@click.argument("number", type=int, metavar="JOB", shell_complete=completing.jobs)
@json_option
@click.pass_context
def view(context: click.Context, number: int, as_json: bool) -> None:
    """Show a job."""
    _print(client_of(context).get(f"/jobs/{number}"), as_json)


@jobs.command()
@click.argument("number", type=int, metavar="JOB", shell_complete=completing.jobs)
@json_option
@click.pass_context
def cancel(context: click.Context, number: int, as_json: bool) -> None:
    """Stop a job. What it did stays done."""
    _print(client_of(context).ask("POST", f"/jobs/{number}/cancel"), as_json)


@jobs.command()
@click.argument("number", type=int, metavar="JOB", shell_complete=completing.jobs)
@json_option
@click.pass_context
def undo(context: click.Context, number: int, as_json: bool) -> None:
    """Take back what a job did."""
    _print(client_of(context).ask("POST", f"/jobs/{number}/undo", timeout_s=300), as_json)


def _print(job: Record, as_json: bool) -> None:
    print_json(job) if as_json else click.echo(job_sentence(job))
