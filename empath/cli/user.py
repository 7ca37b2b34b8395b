"""The subcommands ``user add``, ``user remove``, ``user list`` and ``user check``: who can log in.

A password never stands on the command line, where every user of the machine could read it. It is asked for on a
terminal; elsewhere it is the first line of standard input.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
import msgspec

from empath.cli.complaint import Code, Complaint
from empath.cli.render import print_table
from empath.cli.settings import config_option, configuration
from empath.cli.users_file import UsersFile
from empath.ingress.logins import scram
from empath.ingress.logins.credentials import SALT_BYTES, Credential, PasswordHash, ScramKeys
from empath.policy.reception.logins import login_name, parse_login

LIST_SCHEMA: Final = "empath.user-list/1"
MAX_PASSWORD_OCTETS: Final = 1024

file_option: Final = click.option(
    "--file",
    "users_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Use this file of users, and read no configuration.",
)


@click.group()
def user() -> None:
    """Say who can log in to send mail.

    A running daemon sees a change within a few seconds (smtp.auth.refresh).
    """


@user.command()
@click.argument("name", metavar="LOGIN")
@config_option
@file_option
@click.option("--replace", is_flag=True, help="Give a user that there is a new password.")
@click.option(
    "--scram", "with_scram", is_flag=True, help="Store keys for SCRAM-SHA-256, which fit PLAIN and LOGIN too."
)
def add(name: str, config_file: Path | None, users_file: Path | None, replace: bool, with_scram: bool) -> None:
    """Add a user, or with --replace change a password.

    The password is asked for, or read from the first line of standard input.
    """
    login, file = _login(name), _file(config_file, users_file)

    def refuse_known(users: Mapping[str, Credential]) -> None:
        if login in users and not replace:
            raise Complaint(
                Code.USER_EXISTS,
                f"there is a user {login} in {file.path} already",
                why="a second line for a login would be an error, so nothing was changed",
                remedy="`--replace` gives this user a new password",
                status=os.EX_DATAERR,
            )

    refuse_known(file.read())  # before anybody has to think of a password
    credential = _credential(_new_password(), with_scram=with_scram)

    def put(users: Mapping[str, Credential]) -> Mapping[str, Credential]:
        refuse_known(users)
        return {login: credential}

    file.change(put)
    click.echo(f"{login} can log in, by {file.path}", err=True)


@user.command()
@click.argument("name", metavar="LOGIN")
@config_option
@file_option
def remove(name: str, config_file: Path | None, users_file: Path | None) -> None:
    """Remove a user. Sessions that have logged in already go on."""
    login, file = login_name(name), _file(config_file, users_file)

    def take_out(users: Mapping[str, Credential]) -> Mapping[str, None]:
        _known(login, users, file)
        return {login: None}

    file.change(take_out)
    click.echo(f"{login} cannot log in any more, by {file.path}", err=True)


@user.command(name="list")
@config_option
@file_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({LIST_SCHEMA}).")
def list_(config_file: Path | None, users_file: Path | None, as_json: bool) -> None:
    """List the users, in the order of the file, and how their passwords are kept."""
    file = _file(config_file, users_file)
    users = file.read()
    if as_json:
        listed = [{"login": login, "kind": credential.kind} for login, credential in users.items()]
        click.echo(msgspec.json.encode({"schema": LIST_SCHEMA, "file": str(file.path), "users": listed}))
    elif users:
        print_table(("LOGIN", "KIND"), [(login, credential.kind) for login, credential in users.items()])
    else:
        click.echo(f"there are no users in {file.path}", err=True)


@user.command()
@click.argument("name", metavar="LOGIN")
@config_option
@file_option
def check(name: str, config_file: Path | None, users_file: Path | None) -> None:
    """Say whether a password is right: status 0. 77: it is wrong. 67: there is no such user."""
    login, file = login_name(name), _file(config_file, users_file)
    credential = _known(login, file.read(), file)
    if not credential.fits(_password("Password")):
        raise Complaint(
            Code.DOES_NOT_FIT,
            f"this is not the password of {login}",
            why=f"it does not fit what {file.path} keeps of it",
            remedy="`empath user add --replace` gives the user a new one",
            status=os.EX_NOPERM,
        )
    click.echo(f"this is the password of {login}", err=True)


def _login(name: str) -> str:
    try:
        return parse_login(name)
    except ValueError as problem:
        raise Complaint(
            Code.NO_LOGIN,
            f"{name!r} cannot be a login",
            why=str(problem),
            remedy="take a name or an address, such as ann or ann@example.org",
            status=os.EX_DATAERR,
        ) from problem


def _file(config_file: Path | None, users_file: Path | None) -> UsersFile:
    """The file that is meant. Raises Complaint unless there is exactly one."""
    if users_file is not None:
        return UsersFile(users_file)
    config = configuration(config_file)
    match sorted({listener.users_file for listener in config.smtp.listeners if listener.users_file}):
        case [path]:
            return UsersFile(path, config.user)
        case []:
            what, why = "the configuration names no users_file", "no listener has auth, so nobody can log in"
            remedy = 'set auth = "required" and users_file for a listener with TLS, or name the file by --file'
        case several:
            what, why = f"the configuration names {len(several)} users_files", "only you know which one is meant"
            remedy = f"name one by --file: {', '.join(map(str, several))}"
    raise Complaint(Code.NO_USERS_FILE, what, why=why, remedy=remedy, status=os.EX_CONFIG)


def _known(login: str, users: Mapping[str, Credential], file: UsersFile) -> Credential:
    if login not in users:
        raise Complaint(
            Code.NO_USER,
            f"there is no user {login} in {file.path}",
            why="it was never added, or removed",
            remedy="`empath user list` shows who there is",
            status=os.EX_NOUSER,
        )
    return users[login]


def _credential(password: str, *, with_scram: bool) -> Credential:
    salt = secrets.token_bytes(SALT_BYTES)
    if not with_scram:
        return PasswordHash.make(password, salt)
    try:
        return ScramKeys.make(password, salt)
    except ValueError as problem:
        raise Complaint(
            Code.NO_LOGIN,
            "no SCRAM keys can be made",
            why=str(problem),
            remedy="follow that, or leave --scram out",
            status=os.EX_DATAERR if scram.AVAILABLE else os.EX_UNAVAILABLE,
        ) from problem


def _new_password() -> str:
    password = _password("New password", confirm=True)
    fault = None
    if not password or "\0" in password:
        fault = "it is empty or holds a NUL, and no client could say it"
    elif len(password.encode()) > MAX_PASSWORD_OCTETS:
        fault = f"it is longer than {MAX_PASSWORD_OCTETS} octets"
    if fault:
        remedy = "give it on the terminal, or as the first line of standard input"
        raise Complaint(Code.NO_LOGIN, "this cannot be a password", why=fault, remedy=remedy, status=os.EX_DATAERR)
    return password


def _password(prompt: str, *, confirm: bool = False) -> str:
    if sys.stdin.isatty():
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return answer
    try:
        return sys.stdin.buffer.readline().rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        remedy = "convert it"
        why = "clients say passwords in UTF-8 (RFC 4616 2)"
        raise Complaint(
            Code.NO_LOGIN, "the password is not UTF-8", why=why, remedy=remedy, status=os.EX_DATAERR
        ) from error
