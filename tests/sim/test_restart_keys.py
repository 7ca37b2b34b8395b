"""Each key that needs a restart: a reload leaves it as it is and names it, wherever an operator looks.

The other keys, and what a reload makes of each: tests/app/test_renewal.py.
"""

import tomllib
from typing import Any

import attrs
import trio

from empath.config import dotted
from empath.config.schema import Config
from empath.config.schema.keys import key_name
from empath.config.schema.restart import needs_restart
from tests.app.test_renewal import LIVE, TOLD
from tests.config.keys import aliases, defaults, every_key
from tests.config.test_every_key import KEYS, concrete, samples
from tests.sim.stage import Stage, simulated
from tests.sim.test_api import STEERED, ask
from tests.sim.test_reload import Files

RESTART = [pattern for pattern, key in every_key().items() if needs_restart(aliases().get(pattern, pattern), key)]


def test_each_key_is_in_one_table_and_no_other() -> None:
    assert sorted([*LIVE, *TOLD, *RESTART]) == sorted(KEYS)


def changed(settings: Any, path: tuple[str | int, ...], value: object) -> Any:
    """The same settings with another value of one key."""
    (name,) = (one.name for one in attrs.fields(type(settings)) if key_name(one) == path[0])
    inner = getattr(settings, name)
    if len(path) == 1:
        return attrs.evolve(settings, **{name: value})
    if isinstance(path[1], int):
        elements = [*inner]
        elements[path[1]] = changed(elements[path[1]], path[2:], value)
        return attrs.evolve(settings, **{name: tuple(elements)})
    return attrs.evolve(settings, **{name: changed(inner, path[1:], value)})


def with_sample(config: Config, pattern: str) -> Config:
    """A configuration that has another value of one key."""
    value = KEYS[pattern].read(tomllib.loads(f"value = {samples(pattern)[1]}")["value"])
    for candidate in (value, defaults()[pattern]):
        other: Config = changed(config, concrete(pattern), candidate)
        if other != config:
            return other
    raise AssertionError(f"{pattern} has one value only")


@simulated
async def test_a_key_that_needs_a_restart_is_named_until_there_is_one() -> None:
    files = Files(STEERED)
    stage = Stage(1, files.config, reading=files.reading())
    async with stage.play():
        for pattern in RESTART:
            await trio.sleep(1)  # there is a limit on how much may be asked at once
            key = dotted(concrete(pattern))
            files.config = with_sample(STEERED, pattern)
            diff = (await ask(stage, "POST", "/config/check")).content
            reloaded = (await ask(stage, "POST", "/config/reload")).content
            for answer in (diff, reloaded):
                assert answer["applied"] == [], pattern
                assert [(one["key"], one["live"]) for one in answer["needs_restart"]] == [(key, False)]
            assert (await ask(stage, "GET", "/status")).content["needs_restart"] == [key]
        files.config = STEERED
        await ask(stage, "POST", "/config/reload")
        assert (await ask(stage, "GET", "/status")).content["needs_restart"] == []
