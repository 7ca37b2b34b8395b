"""The configuration that runs: every key with its value, as a file would say it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import msgspec

from empath.config.changes import Change, settings_of
from empath.config.places import KeyPath
from empath.config.schema import Config


class SettingView(msgspec.Struct, frozen=True, kw_only=True):
    """One key."""

    key: str
    value: str | None
    """As TOML; None: it is not set."""
    default: str | None
    is_default: bool
    live: bool
    """Whether a change needs no restart."""
    origin: str | None = None
    """Who set it: a file and its line, a variable, the command line or ``default``; None: nobody knows."""


class ConfigView(msgspec.Struct, frozen=True, kw_only=True):
    """All keys, in the order of the schema."""

    schema: Literal["empath.config/1"] = "empath.config/1"
    hash: str
    """Of what runs: two daemons with the same one have the same configuration."""
    settings: tuple[SettingView, ...]


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """One key whose value differs."""

    key: str
    before: str | None
    after: str | None
    live: bool
    """Whether a reload brings it in force."""


class ReloadView(msgspec.Struct, frozen=True, kw_only=True):
    """What reading the configuration again comes to, or would."""

    schema: Literal["empath.config-reload/1"] = "empath.config-reload/1"
    applied: tuple[ChangeView, ...]
    """What is in force now; of a check: what would be."""
    needs_restart: tuple[ChangeView, ...]
    """What the files say otherwise than the daemon does, until it is started again."""
    warnings: tuple[str, ...]
    hash: str
    """Of what runs when this is answered."""


def config_hash(config: Config) -> str:
    """Two daemons with the same one have the same configuration."""
    text = "\n".join(f"{one.key} = {one.value}" for one in settings_of(config))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def config_view(config: Config, origin_of: Callable[[KeyPath], str] | None = None) -> ConfigView:
    """What runs. There are no secrets in it: those stand in files, and the configuration has their names."""
    settings = tuple(
        SettingView(
            key=one.key,
            value=one.value,
            default=one.default,
            is_default=one.value == one.default,
            live=one.is_live,
            origin=None if origin_of is None else origin_of(one.path),
        )
        for one in settings_of(config)
    )
    return ConfigView(hash=config_hash(config), settings=settings)


def change_view(change: Change) -> ChangeView:
    """A change, for those who ask."""
    return ChangeView(key=change.key, before=change.before, after=change.after, live=change.is_live)
