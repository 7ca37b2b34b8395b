"""Which daemon a command talks to."""

import os
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from attrs import frozen

from empath.cli.complaint import Code, Complaint
from empath.cli.ctl.client import Client, UnixConnection
from empath.cli.settings import Misconfigured, configuration

_USUAL: Final = Path("/run/empath/control.sock")
_MAX_TOKEN_BYTES: Final = 4096


@frozen(kw_only=True)
class Where:
    """What the command line says about it."""

    socket: Path | None = None
    url: str | None = None
    token_file: Path | None = None
    config_file: Path | None = None

    def client(self) -> Client:
        """Return a client of the daemon that is meant. Raises Complaint and UsageError."""
        if self.url is not None:
            return self._remote(self.url)
        path = self.socket or self._configured()
        return Client(lambda timeout_s: UnixConnection(path, timeout_s), f"the daemon at {path}", control_socket=path)

    def _configured(self) -> Path:
        try:
            return configuration(self.config_file).api.control_socket
        except Misconfigured:
            if self.config_file is not None:
                raise
            return _USUAL  # who steers a daemon need not be able to read its configuration

    def _remote(self, url: str) -> Client:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise click.BadParameter(f"{url!r} is no URL such as https://mx.example.org:8080", param_hint="--url")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        host, port = parts.hostname, parts.port
        return Client(lambda timeout_s: kind(host, port, timeout=timeout_s), url, token=self._token())

    def _token(self) -> str:
        if self.token_file is None:
            raise Complaint(
                Code.NAMELESS,
                "no token to show",
                why="over the network a daemon knows its clients by their tokens",
                remedy="name the file that holds one: --token-file FILE, or EMPATH_TOKEN_FILE",
                status=os.EX_NOPERM,
            )
        try:
            with self.token_file.open() as file:
                return file.read(_MAX_TOKEN_BYTES).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Complaint(
                Code.NAMELESS,
                f"cannot read the token in {self.token_file}: {getattr(error, 'strerror', None) or error}",
                why="over the network a daemon knows its clients by their tokens",
                remedy="check the path, and that you may read it",
                status=os.EX_NOPERM,
            ) from error
