"""A small client of the API: one request, one connection, over the control socket or the network."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from attrs import field, frozen
from typing_extensions import override

from empath.cli.complaint import Code, Complaint

PREFIX: Final = "/api/v1"
TIMEOUT_S: Final = 30.0
_MAX_BYTES: Final = 256 * 1024 * 1024
_NO_INPUT: Final = frozenset({"MSG001", "JOB001", "LAN001"})
_USAGE: Final = frozenset({"SEL001", "SEL002", "API008"})
_STATUSES: Final = {
    401: os.EX_NOPERM,
    403: os.EX_NOPERM,
    404: os.EX_UNAVAILABLE,
    409: os.EX_TEMPFAIL,
    413: os.EX_DATAERR,
    415: os.EX_DATAERR,
    422: os.EX_DATAERR,
    429: os.EX_TEMPFAIL,
    503: os.EX_TEMPFAIL,
}

Query = Mapping[str, str | int | float | bool | list[str] | None]
# What the API answers is checked by those who made it; here it is printed, or looked up by name.
Record = dict[str, Any]


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        """``path``: of the socket."""
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    @override
    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@frozen
class Client:
    """Asks one daemon."""

    _connect: Callable[[float], HTTPConnection]
    name: str
    """How messages call the daemon."""
    token: str | None = field(default=None, kw_only=True, repr=False)
    control_socket: Path | None = field(default=None, kw_only=True)

    def get(self, path: str, query: Query | None = None, *, accepts: int = 200) -> Record:
        """Return what a GET answers; ``accepts`` is a status that is no error here. Raises Complaint."""
        return self._decoded(self.octets("GET", path, query, accepts=accepts))

    def ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        content: object = None,
        fields: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Record:
        """Return what is answered, as JSON. Bytes are sent as they are, all else as JSON. Raises Complaint."""
        return self._decoded(self.octets(method, path, query, content=content, fields=fields, timeout_s=timeout_s))

    def _decoded(self, octets: bytes) -> Record:
        try:
            answer: Record = msgspec.json.decode(octets)
        except msgspec.DecodeError as error:
            raise self._strange(str(error)) from error
        return answer

    def octets(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        content: object = None,
        fields: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        accepts: int = 200,
    ) -> bytes:
        """Return what is answered, as it is. A path that does not begin with a slash is none of the API's."""
        target = PREFIX + path if path.startswith("/") else f"/{path}"
        if query:
            target += "?" + urlencode(list(_parameters(query)))
        body = content if isinstance(content, bytes | None) else msgspec.json.encode(content)
        more = dict(fields or {})
        if body is not None:
            more.setdefault("Content-Type", "application/json")
        if self.token is not None:
            more["Authorization"] = f"Bearer {self.token}"
        connection = self._connect(timeout_s)
        try:
            connection.request(method, target, body, more)
            response = connection.getresponse()
            octets = response.read(_MAX_BYTES)
        except (OSError, HTTPException) as error:
            raise self.unreachable(error) from error
        finally:
            connection.close()
        if response.status >= 400 and response.status != accepts:
            raise self._refusal(response, octets)
        return octets

    def _refusal(self, response: HTTPResponse, octets: bytes) -> Complaint:
        try:
            problem: Record = msgspec.json.decode(octets)
            code = str(problem["code"])
            status = _STATUSES.get(response.status, os.EX_SOFTWARE)
            status = os.EX_NOINPUT if code in _NO_INPUT else os.EX_USAGE if code in _USAGE else status
            return Complaint(code, problem["title"], why=problem["why"], remedy=problem["try"], status=status)
        except (msgspec.DecodeError, KeyError, TypeError):
            return self._strange(f"{response.status} {response.reason}")

    def _strange(self, what: str) -> Complaint:
        return Complaint(
            Code.STRANGE_ANSWER,
            f"{self.name} gave an answer that is not understood: {what}",
            why="it is no Empath, or one of another version",
            remedy="compare `empathctl version` with the daemon's, and look at the address",
            status=os.EX_SOFTWARE,
        )

    def unreachable(self, error: Exception) -> Complaint:
        """Say that there is no connection, and why."""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        what = f"cannot reach {self.name}: {reason}"
        if isinstance(error, PermissionError):
            return Complaint(
                Code.NOT_LET_IN,
                what,
                why="the control socket is for root, the user of the daemon, and the members of its group",
                remedy="become a member of that group (usermod --append --groups empath NAME) and log in again",
                status=os.EX_NOPERM,
            )
        if isinstance(error, SSLCertVerificationError):
            why = "no authority that this machine trusts vouches for it, or it is for another name"
            remedy = "ask for the host by a name in its certificate; SSL_CERT_FILE names an authority of your own"
        elif self.control_socket is not None:
            why = "no daemon runs with this control socket, or api.enabled is off"
            remedy = "start it with `empath serve`; --socket, --config and --url lead to others"
        else:
            why, remedy = "nothing answers there", "check host and port, and that api.listen_addr is reachable"
        return Complaint(Code.UNREACHABLE_DAEMON, what, why=why, remedy=remedy, status=os.EX_UNAVAILABLE)


def segment(text: str) -> str:
    """Return text as one segment of a path."""
    return quote(text, safe="")


def _parameters(query: Query) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield name, str(one).lower() if isinstance(one, bool) else str(one)
