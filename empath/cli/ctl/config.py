"""``empathctl config``: the configuration that runs, what the files say otherwise, and reading them again."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows
from empath.cli.ctl.client import Record
from empath.cli.ctl.overlays import laid_over
from empath.cli.settings import loaded
from empath.config import as_text
from empath.config.changes import settings_of

DIFFERS = 1
"""The exit status for: the files say something else than what runs."""


@click.group()
def config() -> None:
    """See the configuration that runs, and read it again."""


@config.command()
@click.option("--changed", is_flag=True, help="Only keys that have another value than their default.")
@click.option("--origin", is_flag=True, help="Say who set each key: a file and its line, a variable, nobody.")
@json_option
@click.pass_context
def show(context: click.Context, changed: bool, origin: bool, as_json: bool) -> None:
    """Show each key with the value that holds."""
    answer = client_of(context).get("/config")
    answer["settings"] = [one for one in answer["settings"] if not (changed and one["is_default"])]
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            *(one["key"], one["value"] or "-", "" if one["is_default"] else one["default"] or "-"),
            *(_change(one["live"]), *([one["origin"] or "-"] if origin else [])),
        )
        for one in answer["settings"]
    ]
    heads = ("KEY", "VALUE", "DEFAULT", "CHANGE", *(["ORIGIN"] if origin else []))
    print_rows(heads, rows, nothing="all keys have their defaults")


@config.command()
@json_option
@click.pass_context
def diff(context: click.Context, as_json: bool) -> None:
    """Say where the files differ from what runs, be it by a change of them or by what operators have set for a time.

    Status 0: nowhere. 1: somewhere. 65: they cannot be used.
    """
    client = client_of(context)
    answer = client.ask("POST", "/config/check")
    rules = client.get("/rules")["rules"]
    values = {one["key"]: one["value"] for one in client.get("/config")["settings"]} if rules else {}
    answer["overlays"] = [one for rule in rules for one in laid_over(rule, values)]
    _print(answer, as_json=as_json, done="would be applied")
    context.exit(DIFFERS if answer["applied"] or answer["needs_restart"] or answer["overlays"] else os.EX_OK)


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@json_option
@click.pass_context
def check(context: click.Context, file: Path | None, as_json: bool) -> None:
    """Say what is wrong with the configuration, and what it would change. Nothing changes.

    Without FILE the daemon reads its own files, with its own rights. FILE is read here, with the variables of this
    shell, and compared with what runs.
    """
    client = client_of(context)
    answer = client.ask("POST", "/config/check") if file is None else _compared(file, client.get("/config"))
    _print(answer, as_json=as_json, done="would be applied")


def _compared(file: Path, runs: Record) -> Record:
    """What a reload would come to if the daemon read this file. Raises Misconfigured."""
    found = loaded(file, looks_at_files=False)
    before = {one["key"]: one["value"] for one in runs["settings"]}
    changes = [
        {"key": one.key, "before": before.get(one.key), "after": one.value, "live": one.is_live}
        for one in settings_of(found.config)
        if before.get(one.key, one.default) != one.value
    ]
    return {
        "schema": "empath.config-reload/1",
        "applied": [one for one in changes if one["live"]],
        "needs_restart": [one for one in changes if not one["live"]],
        "warnings": [as_text([one]) for one in found.warnings],
        "hash": runs["hash"],
    }


@config.command()
@click.option("--dry-run", is_flag=True, help="Say what it would come to, and change nothing.")
@json_option
@click.pass_context
def reload(context: click.Context, dry_run: bool, as_json: bool) -> None:
    """Have the daemon read its configuration again. All that needs no restart holds at once; after a fault, nothing."""
    client = client_of(context)
    if dry_run:
        _print(client.ask("POST", "/config/check"), as_json=as_json, done="would be applied")
        return
    # What runs must not change between the moment when somebody looked at it and this one; here that is a moment.
    runs = client.get("/config")["hash"]
    answer = client.ask("POST", "/config/reload", fields={"If-Match": f'"{runs}"'})
    _print(answer, as_json=as_json, done="applied")


def _print(answer: Record, *, as_json: bool, done: str) -> None:
    if as_json:
        print_json(answer)
        return
    for warning in answer["warnings"]:
        click.echo(warning, err=True)
    rows = [*_rows(answer["applied"], done), *_rows(answer["needs_restart"], "needs a restart")]
    rows += [(one["key"], one["runs"], one["files"] or "-", one["by"]) for one in answer.get("overlays", ())]
    print_rows(("KEY", "RUNS", "FILES", "CHANGE"), rows, nothing="the files say what runs")


def _rows(changes: Sequence[Record], what: str) -> list[tuple[str, ...]]:
    return [(one["key"], one["before"] or "-", one["after"] or "-", what) for one in changes]


def _change(live: bool) -> str:
    return "live" if live else "restart"
