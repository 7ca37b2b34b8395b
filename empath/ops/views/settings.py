"""The configuration that runs: every key with its value, as a file would say it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Literal

import attrs
import msgspec

from empath.config.schema import Config, Key
from empath.config.schema.keys import Shape, describe, key_name


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """One key."""

    key: str
    value: str | None
    """As TOML; None: it is not set."""
    default: str | None
    is_default: bool
    live: bool
    """Whether a change needs no restart."""


class ConfigView(msgspec.Struct, frozen=True, kw_only=True):
    """All keys, in the order of the schema."""

    schema: Literal["empath.config/1"] = "empath.config/1"
    hash: str
    """Of what runs: two daemons with the same one have the same configuration."""
    settings: tuple[SettingView, ...]


def config_view(config: Config) -> ConfigView:
    """What runs. There are no secrets in it: those stand in files, and the configuration has their names."""
    settings = tuple(_settings(config, ""))
    digest = hashlib.sha256("\n".join(f"{one.key} = {one.value}" for one in settings).encode()).hexdigest()
    return ConfigView(hash=digest[:16], settings=settings)


def _settings(settings: object, above: str) -> Iterator[SettingView]:
    kind = type(settings)
    if not attrs.has(kind):
        return
    plain = kind() if _has_defaults(kind) else None
    for attribute in attrs.fields(kind):
        declared, value = describe(attribute), getattr(settings, attribute.name)
        name = f"{above}{key_name(attribute)}"
        if isinstance(declared, Key):
            default = None if plain is None else _shown(declared, getattr(plain, attribute.name))
            shown = _shown(declared, value)
            yield SettingView(
                key=name,
                value=shown,
                default=default,
                is_default=shown == default,
                live=not declared.needs_restart,
            )
        elif declared.shape is Shape.ONCE:
            yield from _settings(value, f"{name}.")
        elif isinstance(value, Mapping):
            for domain, inner in value.items():
                yield from _settings(inner, f'{name}."{domain}".')
        else:
            for number, inner in enumerate(value):
                yield from _settings(inner, f"{name}[{number}].")


def _has_defaults(kind: type) -> bool:
    return attrs.has(kind) and all(
        attribute.default is not attrs.NOTHING for attribute in attrs.fields(kind) if attribute.init
    )


def _shown(key: Key, value: object) -> str | None:
    return None if value is None else key.kind.show(value)
