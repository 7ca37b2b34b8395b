"""``empath help CODE``: what a code stands for that an error was printed with, or that the API has answered."""

import ast
import difflib
import inspect
import os
from collections.abc import Mapping
from enum import Enum

import click
import msgspec

from empath.cli.complaint import Code as CommandCode
from empath.cli.complaint import Complaint
from empath.config.faults import Code as ConfigCode
from empath.ops.api.problems import Code as ApiCode
from empath.ops.live.protocol import Code as LiveCode

_SOURCES: tuple[tuple[type[Enum], str], ...] = (
    (CommandCode, "a command"),
    (ConfigCode, "the configuration"),
    (ApiCode, "the API"),
    (LiveCode, "the live websocket"),
)


def meanings() -> Mapping[str, tuple[str, str]]:
    """Return all codes that there are, each with who says it and what it means."""
    found: dict[str, tuple[str, str]] = {}
    for kind, speaker in _SOURCES:
        found |= {code: (speaker, meaning) for code, meaning in _documented(kind).items()}
    return dict(sorted(found.items()))


def _documented(kind: type[Enum]) -> Mapping[str, str]:
    """The values of an enumeration with the strings that stand below them, which Python itself forgets."""
    classes = [made for made in ast.parse(inspect.getsource(kind)).body if isinstance(made, ast.ClassDef)]
    body = [one for made in classes for one in made.body]
    found: dict[str, str] = {}
    for one, below in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant):
            is_told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            told = ast.literal_eval(below.value) if is_told and isinstance(below, ast.Expr) else ""
            found[str(one.value.value)] = " ".join(str(told).split())
    return found


@click.command(name="help")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (empath.codes/1).")
def explain(code: str | None, as_json: bool) -> None:
    """Say what CODE means, which an error was printed with; without CODE, list all of them.

    Each error also says why it came about and what to try.
    """
    known = meanings()
    wanted = known if code is None else {code.upper(): known[code.upper()]} if code.upper() in known else None
    if wanted is None:
        near = difflib.get_close_matches((code or "").upper(), known, n=3)
        raise Complaint(
            CommandCode.NO_CODE,
            f"there is no code {code}",
            why="no error of this version is called so",
            remedy=f"did you mean {' or '.join(near)}?" if near else "`empath help` lists all of them",
            status=os.EX_USAGE,
        )
    if as_json:
        told = [{"code": one, "said_by": by, "meaning": meaning} for one, (by, meaning) in wanted.items()]
        click.echo(msgspec.json.encode({"schema": "empath.codes/1", "codes": told}))
        return
    for one, (by, meaning) in wanted.items():
        click.echo(f"{one}  {meaning} (said by {by})")
