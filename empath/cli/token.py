"""``empath token new``: what a client of the API shows when it comes over the network."""

import os
import secrets
from pathlib import Path
from typing import Final

import click
import msgspec

from empath.cli.complaint import Code, Complaint
from empath.cli.settings import config_option, configuration
from empath.ops.api.tokens import MAX_FILE_BYTES, PREFIX, Token, digest_of, parse_scopes, parse_tokens

SCHEMA: Final = "empath.token/1"
_TOKEN_BYTES: Final = 32
_FOR_OWNER_AND_GROUP: Final = 0o640


@click.group()
def token() -> None:
    """Make tokens for clients of the API."""


@token.command()
@click.argument("name")
@click.option("--scope", required=True, metavar="SCOPES", help="read, content, inject, operate, admin, with commas.")
@click.option("--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="Instead of api.tokens_file.")
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
    try:
        with open(path, "a+", encoding="utf-8", opener=_private) as file:
            file.seek(0)
            text = file.read(MAX_FILE_BYTES)
            parse_tokens(f"{text}\n{line}")
            file.write(("" if not text or text.endswith("\n") else "\n") + line + "\n")
    except ValueError as error:
        raise Complaint(
            Code.NO_TOKENS_FILE,
            f"{path} is left as it was: {error}",
            why="the daemon would not let anybody in by a file that it does not understand",
            remedy="choose another name, or repair the file",
            status=os.EX_DATAERR,
        ) from error
    except OSError as error:
        raise Complaint(
            Code.NO_TOKENS_FILE,
            f"cannot write {path}: {error.strerror}",
            why="the token would be known to nobody",
            remedy="run this as a user who may write there; the user of the daemon must be able to read it",
            status=os.EX_CANTCREAT,
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _FOR_OWNER_AND_GROUP)
