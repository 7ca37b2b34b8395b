"""What the verbs of ``empathctl queue`` share: count first, ask, do it as a job, and say exactly what was done."""

import sys
import time
from typing import Final

import click

from empath.cli.ctl.answers import print_json
from empath.cli.ctl.asking import nothing_chosen
from empath.cli.ctl.choosing import confirm
from empath.cli.ctl.client import Client, Record
from empath.cli.ctl.units import age, count, counted

_POLL_S: Final = 0.1
_AT_WORK: Final = ("running",)
DONE: Final = {
    "retry": "made due",
    "hold": "put on hold",
    "release": "released",
    "bounce": "bounced",
    "fail": "ended without a report",
    "delete": "deleted",
    "undelete": "brought back",
}


def act(
    client: Client,
    verb: str,
    selector: Record,
    *,
    everything: bool,
    reason: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Do something to chosen mail. Raises Complaint."""
    if not selector and not everything:
        raise nothing_chosen(f"what to {verb}", "names of messages, or options that choose; --all is everything")
    action: Record = {"verb": verb, "selector": selector, "reason": reason, "all": everything}
    survey = client.ask("POST", "/actions", content={**action, "dry_run": True}, timeout_s=300)
    number = survey["count"]
    if dry_run:
        print_json(survey) if as_json else _print_survey(survey, verb)
        return
    if not number:
        print_json(survey) if as_json else click.echo(f"nothing to {verb}: there is no such mail")
        return
    if not yes:
        confirm(_sentence(survey, verb), number)
    job = client.ask("POST", "/actions", content={**action, **({"expect": number} if everything else {})})
    while job["state"] in _AT_WORK:
        time.sleep(_POLL_S)
        job = client.get(f"/jobs/{job['id']}")
        if sys.stderr.isatty() and not as_json:
            click.echo(f"\r{_progress(job, number)}", nl=False, err=True)
    if sys.stderr.isatty() and not as_json:
        click.echo("\r\x1b[K", nl=False, err=True)
    print_json(job) if as_json else click.echo(job_sentence(job))


def job_sentence(job: Record) -> str:
    """Say what a job did, and until when it can be undone."""
    took = "" if job["ended"] is None else f" · {age(job['ended'] - job['started'])}"
    parts = [f"job {job['id']} · {count(job['count'])} {DONE[job['verb']]} · {count(job['skipped'])} skipped{took}"]
    if job["state"] == "waiting":
        until = age(job["undo_until"] - time.time())
        parts = [f"job {job['id']} · {count(job['count'])} put on hold, and bounced in {until} with their reports"]
    if job["state"] in ("failed", "cancelled", "undone"):
        parts.append(f"{job['state']}{': ' if job['trouble'] else ''}{job['trouble']}")
    if job["undo_until"] is not None and job["undo_until"] > time.time():
        parts.append(f"undo: empathctl jobs undo {job['id']}")
    return " · ".join(parts)


def _sentence(survey: Record, verb: str) -> str:
    senders = "many senders" if survey["senders"] is None else counted(survey["senders"], "sender")
    reports = f" · reports go to {senders}, or to nobody with --no-dsn" if verb == "bounce" else ""
    return f"{verb} {counted(survey['count'], 'delivery', 'deliveries')} of {senders}{reports}"


def _print_survey(survey: Record, verb: str) -> None:
    click.echo(f"would {_sentence(survey, verb)}")
    for one in survey["domains"]:
        click.echo(f"  {count(one['deliveries']):>9}  {one['name']}")


def _progress(job: Record, number: int) -> str:
    return f"job {job['id']}  {count(job['count'] + job['skipped'])} of {count(number)}"
