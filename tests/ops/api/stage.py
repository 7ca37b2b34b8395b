"""An API with a few routes, and requests to it."""

from pathlib import PurePosixPath
from typing import Literal

import msgspec
import trio
from attrs import define, field

from empath.config.schema import ApiSettings, HttpSettings
from empath.ops.api import Access, Api, Call, Nothing, Problem, Scope, TokenFile, get, route
from empath.ops.api.problems import Code
from empath.ops.api.tokens import digest_of
from empath.ops.http import Request, Response
from empath.ops.http.hosts import without_port
from empath.ops.http.values import Kept
from empath.sim import SimulatedWorld
from empath.world.endpoint import Endpoint, PeerCredentials, TcpEndpoint, UnixEndpoint

OWN_NAME = "mx.example.org"
US = (990, 991)
"""The user and group that the daemon runs as."""
TOKENS = {
    "reader": (frozenset({Scope.READ}), "empath_reader"),
    "operator": (frozenset({Scope.READ, Scope.OPERATE}), "empath_operator"),
    "boss": (frozenset({Scope.ADMIN}), "empath_boss"),
}
FILE = PurePosixPath("/etc/empath/tokens")
SOCKET = UnixEndpoint("/run/empath/control.sock")
CLIENT = TcpEndpoint("127.0.0.1", 50_000)


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    schema: Literal["test.echo/1"] = "test.echo/1"
    who: str
    name: str
    limit: int
    tags: tuple[str, ...]


class EchoQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: int = 10
    tags: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    to: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    schema: Literal["test.changed/1"] = "test.changed/1"
    to: str


async def echo(call: Call[EchoQuery, Nothing]) -> Echo:
    """Say what was asked.

    And nothing else.
    """
    await trio.lowlevel.checkpoint()
    return Echo(who=call.who.name, name=call.names["name"], limit=call.query.limit, tags=call.query.tags)


async def change(call: Call[Nothing, Change]) -> Changed:
    """Change something."""
    await trio.lowlevel.checkpoint()
    if call.content.to == "nothing":
        raise Problem(409, Code.SETTLED, "it is settled", why="it was settled before", remedy="leave it")
    return Changed(to=call.content.to)


async def public(call: Call[Nothing, Nothing]) -> Changed:
    """Tell everybody."""
    await trio.lowlevel.checkpoint()
    return Changed(to=call.who.name)


@define
class Desk:
    """The API, and whom it knows."""

    settings: ApiSettings = field(factory=ApiSettings)
    has_tokens: bool = True
    world: SimulatedWorld = field(init=False, factory=lambda: SimulatedWorld(1))
    api: Api = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.api = Api(
            access=Access(
                settings=self.settings,
                own_name=OWN_NAME,
                tokens=TokenFile(self.world.world.disk, FILE) if self.has_tokens else None,
                own_ids=lambda: US,
                entropy=self.world.world.entropy,
            ),
            settings=HttpSettings(max_content_bytes=1024),
            given=(
                get("/echo/{name}", echo, Scope.READ),
                get("/public", public, None),
                route("PUT", "/things", change, Scope.OPERATE),
            ),
        )

    async def write_tokens(self, text: str | None = None) -> None:
        lines = [
            f"{name} {','.join(scope.value for scope in scopes)} {digest_of(token)}\n"
            for name, (scopes, token) in TOKENS.items()
        ]
        await self.world.world.disk.make_directory(FILE.parent)
        await self.world.world.disk.write(FILE, [(text if text is not None else "".join(lines)).encode()])

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        user: int | None = None,
        groups: frozenset[int] = frozenset(),
        content: bytes = b"",
        host: str = "localhost",
        **fields: str,
    ) -> Response:
        """Ask. With a ``user`` over the control socket, else over TCP."""
        peer: Endpoint = CLIENT if user is None else SOCKET
        found = {name.replace("_", "-"): value for name, value in fields.items()} | {"host": host}
        if token is not None:
            found["authorization"] = f"Bearer {token}"
        path, _, query = path.partition("?")
        request = Request(
            method=method,
            path=f"/api/v1{path}",
            query=query,
            host=without_port(host),
            peer=peer,
            fields=found,
            content=Kept(content),
            credentials=None if user is None else PeerCredentials(pid=1, user=user, groups=groups),
        )
        return await self.api(request)


def content_of(response: Response) -> dict[str, object]:
    """The JSON of an answer."""
    found: dict[str, object] = msgspec.json.decode(response.body)
    return found


def code_of(response: Response) -> object:
    """The code of a problem, which has all that a problem must have."""
    assert response.content_type == "application/problem+json"
    found = content_of(response)
    assert {"title", "why", "try", "code", "status"} <= set(found)
    assert found["status"] == response.status
    return found["code"]
