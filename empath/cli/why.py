"""The command ``config why``: which value a key has, who gave it, and what that outranks."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click

from empath.cli.render import print_table
from empath.cli.settings import config_option, loaded
from empath.config.lines import split_key
from empath.config.places import KeyPath
from empath.config.schema import Config
from empath.config.schema.keys import Shape, Table, find
from empath.config.units import UnitError, parse_domain
from empath.config.why import NoSuchKey, Said, why_for_domain
from empath.config.why import why as why_key
from empath.smtp.address import Domain


class _DomainName(click.ParamType[Domain]):
    """A recipient domain."""

    name = "domain"

    def convert(self, value: str | Domain, param: click.Parameter | None, ctx: click.Context | None) -> Domain:
        """Read it, or end the command."""
        if isinstance(value, Domain):
            return value
        try:
            return parse_domain(value)
        except UnitError as problem:
            self.fail(str(problem), param, ctx)


@click.command()
@config_option
@click.option("--domain", type=_DomainName(), help="Resolve a key of [delivery.domains] for this recipient domain.")
@click.option("--json", "as_record", is_flag=True, help="Print one JSON object (empath.config-why/1).")
@click.argument("key")
def why(config_file: Path | None, domain: Domain | None, key: str, *, as_record: bool) -> None:
    """Say which value KEY has, where that comes from, and what it outranks.

    KEY is written as in a file: delivery.max_attempts, 'delivery.domains."gmail.com".rate_limit'. With --domain it is
    one of the keys that a domain can have: what its site says goes before what the domain says, and that before what
    holds for all.
    """
    found = loaded(config_file, looks_at_files=False)
    try:
        said = why_key(found, _path(key)) if domain is None else why_for_domain(found, key, domain)
    except NoSuchKey as problem:
        raise click.UsageError(str(problem)) from None
    if as_record:
        click.echo(json.dumps(_record(key, domain, said), ensure_ascii=False))
    else:
        _print(key, domain, said)


def _path(key: str) -> KeyPath:
    """The steps of a key, with numbers where arrays are."""
    try:
        steps = split_key(key.replace("[", ".").replace("]", ""))
    except tomllib.TOMLDecodeError:
        raise NoSuchKey(f"{key} is no key; write it as in a file, with quotes around names that have dots") from None
    path: KeyPath = ()
    for step in steps:
        declared = find(Config, path)[1] if path else Table(Config)
        numbered = isinstance(declared, Table) and declared.shape is Shape.ARRAY and step.isdecimal()
        path = (*path, int(step[:9]) if numbered else step)
    return path


def _record(key: str, domain: Domain | None, said: Sequence[Said]) -> dict[str, object]:
    return {
        "schema": "empath.config-why/1",
        "key": key,
        "domain": None if domain is None else domain.text,
        "value": said[0].value,
        "said": [
            {
                "key": one.place,
                "value": one.value,
                "source": one.origin.source,
                "line": one.origin.line,
                "counts": one.counts,
            }
            for one in said
        ],
    }


def _print(key: str, domain: Domain | None, said: Sequence[Said]) -> None:
    click.echo(f"{key}{'' if domain is None else f' of {domain.text}'} = {said[0].value}")
    rows = [[one.place, one.value, str(one.origin), "this one counts" if one.counts else "outranked"] for one in said]
    print_table(("KEY", "VALUE", "FROM", ""), rows)
