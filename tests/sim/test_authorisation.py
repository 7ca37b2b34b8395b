"""Every route of a whole worker: who is let in, from where, and who is not."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import trio
from attrs import evolve, frozen

from empath.config.schema import Period, Rate
from empath.ops.api import PREFIX, Scope
from empath.ops.api.tokens import digest_of
from empath.world import TcpEndpoint
from tests.sim.stage import ENTRANCE, OWN_NAME, Stage, simulated
from tests.sim.test_api import STEERED, ask

HTTP = TcpEndpoint(ENTRANCE.host, 8080)
TOKENS = Path("/etc/empath/tokens")
GUARDED = evolve(
    STEERED,
    api=evolve(STEERED.api, listen_addr=HTTP, tokens_file=TOKENS, rate_limit=Rate(100_000, Period.SECOND)),
    health=evolve(STEERED.health, enabled=True, listen_addr=HTTP),
)
FOR_ANYBODY = {
    ("GET", "/openapi.json"),
    ("GET", "/session"),
    ("POST", "/login"),
    ("DELETE", "/session"),
    ("GET", "/live"),
}
"""What needs no token, or another proof: a browser opens the websocket with a ticket or a cookie."""


@frozen
class Door:
    """A route, and what it needs."""

    method: str
    pattern: str
    scope: str

    @property
    def path(self) -> str:
        return re.sub(r"\{\w+\}", "x", self.pattern)


async def doors(stage: Stage) -> list[Door]:
    """All routes that need a scope, out of the document that is made of the one table."""
    found = (await ask(stage, "GET", "/openapi.json")).content["paths"]
    each = [(method.upper(), path, one) for path, methods in found.items() for method, one in methods.items()]
    assert {(method, path) for method, path, one in each if "x-scope" not in one} == FOR_ANYBODY
    return [Door(method, path, one["x-scope"]) for method, path, one in each if "x-scope" in one]


async def knocked(stage: Stage, door: Door, **fields: str) -> tuple[int, str]:
    """Status and code of the answer over TCP, from the machine of the client."""
    return await reached(stage, door.method, PREFIX + door.path, fields)


async def reached(stage: Stage, method: str, path: str, fields: Mapping[str, str]) -> tuple[int, str]:
    head = {"Host": OWN_NAME, "Connection": "close", "Content-Length": "0"} | {
        name.replace("_", "-"): value for name, value in fields.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    async with await stage.client.host.connect(HTTP) as stream:
        await stream.send_all("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while part := await stream.receive_some(65_536):
            answer += bytes(part)
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split(b" ", 2)[1]), str(msgspec.json.decode(body).get("code", ""))


async def let_in(stage: Stage) -> dict[str, str]:
    """A token for each scope, and one for each with all scopes but that and admin; by name."""
    everyday = set(Scope) - {Scope.ADMIN}
    rights = {scope.value: {scope} for scope in Scope} | {f"no-{one.value}": everyday - {one} for one in Scope}
    tokens = {name: f"empath_{name}" for name in rights}
    lines = [
        f"{name} {','.join(scope.value for scope in scopes)} {digest_of(tokens[name])}\n"
        for name, scopes in rights.items()
    ]
    await stage.simulation.world.disk.make_directory(TOKENS.parent)
    await stage.simulation.world.disk.write(TOKENS, ["".join(lines).encode()])
    return tokens


@simulated
async def test_without_a_token_no_route_is_answered_that_needs_one() -> None:
    stage = Stage(1, GUARDED)
    async with stage.play():
        found = await doors(stage)
        assert len(found) > 50
        for door in found:
            assert await knocked(stage, door) == (401, "API001"), door
            assert await knocked(stage, door, Authorization="Bearer empath_guess") == (401, "API001"), door
            assert await knocked(stage, door, Authorization="Basic YW5uOmFubg==") == (401, "API001"), door
            assert await knocked(stage, door, Cookie="empath_session=guess", Origin=f"http://{OWN_NAME}") == (
                401,
                "API001",
            ), door


@simulated
async def test_each_route_needs_its_scope_and_no_other_will_do() -> None:
    stage = Stage(1, GUARDED)
    async with stage.play():
        tokens = await let_in(stage)
        for door in await doors(stage):
            wrong = {"Authorization": f"Bearer {tokens[f'no-{door.scope}']}"}
            assert await knocked(stage, door, **wrong) == (403, "API002"), door
            if door.pattern != "/stop":
                right = {"Authorization": f"Bearer {tokens[door.scope]}"}
                status, code = await knocked(stage, door, **right)
                assert (status in (401, 403), code in ("API001", "API002")) == (False, False), door


@simulated
async def test_a_page_of_another_site_changes_nothing_and_another_name_for_this_host_shows_nothing() -> None:
    stage = Stage(1, GUARDED)
    async with stage.play():
        tokens = await let_in(stage)
        for door in await doors(stage):
            own = {"Authorization": f"Bearer {tokens['admin']}"}
            for host in ("rebound.example", f"{OWN_NAME}.evil.example", "localhost.evil.example"):
                assert await knocked(stage, door, Host=host, **own) == (421, "API004"), door
            if door.method != "GET":
                for origin in ("https://evil.example", f"http://{OWN_NAME}:81", "null"):
                    assert await knocked(stage, door, Origin=origin, **own) == (403, "API003"), door


@simulated
async def test_details_of_health_are_for_those_who_may_read() -> None:
    stage = Stage(1, GUARDED)
    async with stage.play():
        tokens = await let_in(stage)
        assert await reached(stage, "GET", "/health/detailed", {}) == (401, "API001")
        for name, status in (("inject", 403), ("read", 200)):
            fields = {"Authorization": f"Bearer {tokens[name]}"}
            assert (await reached(stage, "GET", "/health/detailed", fields))[0] == status
        assert await reached(stage, "GET", "/health/ready", {}) == (200, "")
        await trio.sleep(1)
