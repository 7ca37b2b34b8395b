"""``empath token``: what a client of the API shows when it comes over the network, and its file."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from empath.app.token_lines import revoke
from empath.cli.complaint import Code, Complaint
from empath.cli.render import print_table
from empath.cli.settings import config_option, configuration
from empath.ops.api.tokens import MAX_FILE_BYTES, PREFIX, Scope, Token, digest_of, parse_scopes, parse_tokens
from empath.world.rewriting import locked

SCHEMA: Final = "empath.token/1"
LIST_SCHEMA: Final = "empath.token-list/1"
_TOKEN_BYTES: Final = 32
_FOR_OWNER_AND_GROUP: Final = 0o640


file_option: Final = click.option(
    "--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="Instead of api.tokens_file."
)


@click.group()
def token() -> None:
    """Make tokens for clients of the API, and take them back.

    A running daemon knows of it within five seconds.
    """


@token.command()
@click.argument("name")
@click.option("--scope", required=True, metavar="SCOPES", help="read, content, inject, operate, admin, with commas.")
@file_option
@config_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({SCHEMA}).")
def new(name: str, scope: str, path: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Make a token called NAME, which is what logs and audit call its owner.

    It is printed once and kept nowhere: the file has its hash. Taking the line out of the file revokes it.
    """
    path = path or _configured(config_file)
    text = PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    try:
        line = Token(name, parse_scopes(scope), digest_of(text)).line()
        parse_tokens(line)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    _append(path, line)
    if as_json:
        click.echo(msgspec.json.encode({"schema": SCHEMA, "name": name, "file": str(path), "token": text}))
    else:
        click.echo(text)
        click.echo(f"{name} is in {path}; a running daemon knows it within five seconds", err=True)


@token.command(name="list")
@file_option
@config_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({LIST_SCHEMA}).")
def list_(path: Path | None, config_file: Path | None, as_json: bool) -> None:
    """List the tokens of the file, by name and scopes."""
    path = path or _configured(config_file)
    with _explaining(path, "read", os.EX_NOINPUT), path.open(encoding="utf-8") as file:
        found = parse_tokens(file.read(MAX_FILE_BYTES))
    rows = [(one.name, ",".join(scope.value for scope in Scope if scope in one.scopes)) for one in found]
    if as_json:
        tokens = [{"name": name, "scopes": scopes.split(",")} for name, scopes in rows]
        click.echo(msgspec.json.encode({"schema": LIST_SCHEMA, "tokens": tokens}))
    else:
        print_table(("NAME", "SCOPES"), rows)


@token.command(name="revoke")
@click.argument("name")
@file_option
@config_option
def revoke_(name: str, path: Path | None, config_file: Path | None) -> None:
    """Take the token NAME out of the file, which keeps its owner, its mode and its other lines."""
    path = path or _configured(config_file)
    with _explaining(path, "write", os.EX_CANTCREAT):
        was_there = revoke(path, name)
    if not was_there:
        raise Complaint(
            Code.NO_TOKENS_FILE,
            f"there is no token {name} in {path}",
            why="nothing was changed",
            remedy="`empath token list` shows those that there are",
            status=os.EX_NOINPUT,
        )
    click.echo(f"{name} is not in {path} any more; a running daemon knows it within five seconds", err=True)


@contextmanager
def _explaining(path: Path, doing: str, status: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Complaint(
            Code.NO_TOKENS_FILE,
            f"{path} cannot be understood: {error}",
            why="nothing was changed, and the daemon lets nobody in by such a file",
            remedy="repair that line, or take it out",
            status=os.EX_DATAERR,
        ) from error
    except OSError as error:
        raise Complaint(
            Code.NO_TOKENS_FILE,
            f"cannot {doing} {path}: {error.strerror}",
            why="nothing was changed",
            remedy="check the path, and run this as a user who may",
            status=status,
        ) from error


def _configured(config_file: Path | None) -> Path:
    path = configuration(config_file).api.tokens_file
    if path is None:
        raise Complaint(
            Code.NO_TOKENS_FILE,
            "the configuration names no file of tokens",
            why="a token that the daemon does not look for would be of no use",
            remedy='set api.tokens_file = "/etc/empath/tokens", or name the file with --file',
            status=os.EX_CONFIG,
        )
    return path


def _append(path: Path, line: str) -> None:
    """Add a line; a line of that name, or a file that cannot be understood, is left as it is."""
    with (
        _explaining(path, "write", os.EX_CANTCREAT),
        locked(path.parent),
        open(path, "a+", encoding="utf-8", opener=_private) as file,
    ):
        file.seek(0)
        text = file.read(MAX_FILE_BYTES)
        parse_tokens(f"{text}\n{line}")
        file.write(("" if not text or text.endswith("\n") else "\n") + line + "\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _FOR_OWNER_AND_GROUP)
