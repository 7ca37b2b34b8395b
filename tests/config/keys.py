"""The schema as the tests walk it."""

from attrs import fields

from empath.config.schema import ALIASES, Config, Key, walk
from empath.config.schema.keys import Table, describe, find


def settings_classes(settings: type = Config) -> list[type]:
    """Return a settings class and all below it."""
    tables = [declared for attribute in fields(settings) if isinstance(declared := describe(attribute), Table)]
    return [settings, *(below for table in tables for below in settings_classes(table.of))]


def defaults() -> dict[str, object]:
    """Return the default of every key, by pattern."""
    declared = {id(describe(attribute)): attribute.default for cls in settings_classes() for attribute in fields(cls)}
    return {pattern: declared[id(key)] for pattern, key in walk(Config)}


def aliases() -> dict[str, str]:
    """Return the patterns of second names, and of the keys that they mean."""
    return {find_pattern(alias): find_pattern(real) for alias, real in ALIASES.items()}


def find_pattern(path: tuple[str | int, ...]) -> str:
    """Write a path without numbers and domains as a pattern."""
    return ".".join(map(str, path))


def every_key() -> dict[str, Key]:
    """Return every name that a file may use, aliases too, with its key."""
    keys = dict(walk(Config))
    real = {find_pattern(alias): find(Config, path)[1] for alias, path in ALIASES.items()}
    return keys | {alias: key for alias, key in real.items() if isinstance(key, Key)}
