"""Each live key: what a reload makes of a worker's parts is what a start with the same file would make of them."""

import functools
import re
import types
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path, PurePath

import attrs
import pytest
import trio
import trustme

from empath.app.assembly import Assembly
from empath.app.caretaking import retention
from empath.app.encryption import Encryption
from empath.app.shutdown import Shutdown
from empath.config import ConfigError
from empath.config.changes import changes, taken
from empath.config.schema import Config
from empath.config.schema.restart import needs_restart
from empath.policy.bucket import TokenBucket
from empath.sim import SimulatedWorld, simulate
from empath.spool.contract import Spool
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.world.free_space import FreeSpace
from empath.world.ports import World
from tests.config.keys import aliases, every_key
from tests.config.sources import load_text
from tests.config.test_every_key import BESIDE, file_with, samples, variables_without
from tests.config.test_every_key import LIVE as LIVE_HOST

TOLD = {"log.level", "log.format"}
"""What is not of a worker: `empath.cli.serve` is told of it, see tests/process/test_reload.py."""
LIVE = [
    pattern
    for pattern, key in every_key().items()
    if not needs_restart(aliases().get(pattern, pattern), key) and pattern not in TOLD
]
PLAIN = (
    *(str, int, float, bytes, type(None), Enum, PurePath, frozenset, set, range, type, re.Pattern),
    *(IPv4Address, IPv6Address, IPv4Network, IPv6Network),
)
LISTENER = """[[smtp.listeners]]
tls="implicit"
auth="optional"
users_file="/dev/null"
starttls={ cert_file="/dev/null", key_file="/dev/null" }
"""
"""One that makes use of all there is."""
SECRETS = {"_secret", "_decoy"}
"""Which differ from object to object, and have nothing to do with configuration."""
OF_THE_WORLD = ("empath.world", "empath.sim", "empath.spool", "trio", "random", "logging")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A certificate with its key, an authority and users, by the last part of the key that names such a file."""
    directory = tmp_path_factory.mktemp("files")
    authority = trustme.CA()
    issued = authority.issue_cert("mx.example.org")
    found = {name: directory / name for name in ("cert_file", "key_file", "client_ca_file", "users_file")}
    issued.cert_chain_pems[0].write_to_path(found["cert_file"])
    issued.private_key_pem.write_to_path(found["key_file"])
    authority.cert_pem.write_to_path(found["client_ca_file"])
    found["users_file"].write_text("")
    return found


@pytest.mark.parametrize("pattern", LIVE)
def test_a_reload_does_what_a_start_would(pattern: str, tmp_path: Path, files: Mapping[str, Path]) -> None:
    running, wanted = both(pattern, tmp_path, files)
    config = taken(running, wanted)
    if pattern not in BESIDE:
        assert changes(running, config)

    async def compare() -> None:
        world = SimulatedWorld(1).world
        async with open_spool(world, PurePath("/var/spool/empath"), MemoryStore, holder="a test") as spool:
            renewed = await assembled(running, world, spool)
            before = shown(renewed)
            await renewed.renew(config)
            after = shown(renewed)
            assert after == shown(await assembled(config, world, spool))
            assert after != before

    simulate(compare, seed=1)


def both(pattern: str, tmp_path: Path, files: Mapping[str, Path]) -> tuple[Config, Config]:
    """A configuration without a key, and one with it, which differ in nothing else if that can be."""
    value = '["mx"]' if pattern == "smtp.hooks[].profiles" else samples(pattern)[1]
    text = with_files(file_with(pattern, value)[0], files)
    without = text.rpartition("\n")[0]
    listener = ""
    if not pattern.startswith("smtp.listeners[]"):
        listener = with_files(LISTENER, files)
        text, without = f"{text}\n{listener}", f"{without}\n{listener}"
    wanted = load_text(tmp_path, text, variables_without(pattern)).config
    try:
        return load_text(tmp_path, without, LIVE_HOST).config, wanted
    except ConfigError:
        return load_text(tmp_path, listener, LIVE_HOST).config, wanted


def with_files(text: str, files: Mapping[str, Path]) -> str:
    """Put files that exist in place of those that need not be read."""
    return re.sub(r'(\w+) ?= ?"/dev/null"', lambda key: f'{key[1]} = "{files.get(key[1], "/dev/null")}"', text)


async def assembled(config: Config, world: World, spool: Spool) -> Assembly:
    free_space = FreeSpace(disk=world.disk, directories=(), min_free_bytes=config.spool.min_free_bytes)
    made = Assembly(
        config=config,
        world=world,
        spool=spool,
        shutdown=Shutdown(config.shutdown.grace_s),
        observe=lambda _: None,
        capture=None,
        free_space=free_space,
        encryption=Encryption(config.smtp.tls, world),
    )
    for place in range(len(config.smtp.listeners)):
        made.intake(place, made.admission())
    await made.logins.load()
    return made


def shown(assembly: Assembly) -> object:
    """All that sessions, transactions and lanes will go by, as values that can be compared."""
    intakes = [intake for _, intake in assembly._intakes]
    sending = assembly.sending
    lane = sending.dispatcher.new_lane("example.com")
    explained = (sending.explainer.finder, sending.explainer.tls_of)
    taken_in = (*intakes, assembly.admission(), assembly.injection(), assembly.free_space, assembly.encryption)
    kept = (assembly.upkeep, retention(assembly.config), assembly.shutdown.grace_s)
    parts = (*taken_in, *kept, sending.dispatcher, *explained, lane, lane._new_sender(lane))
    seen: dict[int, tuple[object, str]] = {}
    return [_digest(part, seen) for part in parts]


def _digest(part: object, seen: dict[int, tuple[object, str]]) -> str:
    """``seen``: what was looked at already, by identity; it is held on to, so that no identity is used again."""
    if isinstance(part, PLAIN):
        return repr(part)
    if id(part) not in seen:
        seen[id(part)] = (part, "above")
        seen[id(part)] = (part, sha256(repr(_shown(part, seen)).encode()).hexdigest())
    return seen[id(part)][1]


def _shown(part: object, seen: dict[int, tuple[object, str]]) -> object:
    match part:
        case Mapping():
            return [(repr(key), _digest(value, seen)) for key, value in part.items()]
        case tuple() | list():
            return [_digest(one, seen) for one in part]
        case types.MethodType():
            return [part.__func__.__qualname__, _digest(part.__self__, seen)]
        case types.FunctionType():
            cells = zip(part.__code__.co_freevars, part.__closure__ or (), strict=True)
            return [_digest(cell.cell_contents, seen) for name, cell in cells if name not in {"dispatcher", "sending"}]
        case functools.partial():
            return [_digest(one, seen) for one in (part.func, part.args, part.keywords)]
        case TokenBucket():
            return (part.rate_per_s, part.burst)
        case trio.CapacityLimiter():
            return part.total_tokens
    if hasattr(part, "__wrapped__"):
        return _digest(part.__wrapped__, seen)
    kind = type(part)
    if isinstance(part, Config):
        return "what it was made of proves nothing"
    if isinstance(part, FreeSpace):
        return part.min_free_bytes
    if kind.__module__.startswith(OF_THE_WORLD) or not attrs.has(kind):
        return kind.__qualname__
    return [
        kind.__qualname__,
        *((one.name, _digest(getattr(part, one.name), seen)) for one in attrs.fields(kind) if one.name not in SECRETS),
    ]
