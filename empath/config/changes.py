"""Two configurations beside each other: what differs, and what of it a running daemon can take.

A value is shown as a file would say it. There are no secrets among them: those stand in files of their own.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import attrs
from attrs import frozen

from empath.config.places import KeyPath, dotted
from empath.config.schema import Config, Key, walk
from empath.config.schema.keys import Shape, Table, describe, key_name
from empath.config.schema.restart import needs_restart

T = TypeVar("T")


@frozen(kw_only=True)
class Setting:
    """One key with its value."""

    path: KeyPath
    value: str | None
    """None: it is not set."""
    default: str | None
    is_live: bool
    """Whether a running daemon takes a new value."""

    @property
    def key(self) -> str:
        """As TOML writes it, ``delivery.domains."example.org".max_connections``."""
        return dotted(self.path)


@frozen(kw_only=True)
class Change:
    """One key whose value differs."""

    key: str
    before: str | None
    """None: it is not set, or there is no such table."""
    after: str | None
    is_live: bool


def settings_of(config: Config) -> tuple[Setting, ...]:
    """Return all keys, in the order of the schema."""
    return tuple(_settings(config, (), ""))


def changes(before: Config, after: Config) -> tuple[Change, ...]:
    """Return what differs, in the order of the schema; what only ``before`` has stands at the end."""
    old = {one.key: one for one in settings_of(before)}
    new = {one.key: one for one in settings_of(after)}
    found = (_change(key, old.get(key), new.get(key)) for key in dict.fromkeys((*new, *old)))
    return tuple(change for change in found if change.before != change.after)


def _change(key: str, old: Setting | None, new: Setting | None) -> Change:
    """What lies in a table that is not there has its default."""
    before = old.value if old else new.default if new else None
    after = new.value if new else old.default if old else None
    return Change(key=key, before=before, after=after, is_live=any(one.is_live for one in (old, new) if one))


def taken(running: Config, wanted: Config) -> Config:
    """Return what a running daemon makes of a new configuration: keys that need a restart keep their values."""
    return _merged(running, wanted, "")


def _merged(running: T, wanted: T, above: str) -> T:
    values: dict[str, object] = {}
    kind: Any = type(running)  # a settings class, of which attrs knows more than a type can say
    for attribute in attrs.fields(kind):
        declared, pattern = describe(attribute), f"{above}{key_name(attribute)}"
        before = getattr(running, attribute.name)
        if isinstance(declared, Table) and declared.shape is Shape.ONCE:
            values[attribute.name] = _merged(before, getattr(wanted, attribute.name), f"{pattern}.")
        elif _stays(declared, pattern):
            values[attribute.name] = before
    merged: T = kind(**{attribute.name: getattr(wanted, attribute.name) for attribute in attrs.fields(kind)} | values)
    return merged


def _stays(declared: Key | Table, pattern: str) -> bool:
    """Whether a key, or an array of tables as a whole, keeps its value."""
    if isinstance(declared, Key):
        return needs_restart(pattern, declared)
    mark = "[]" if declared.shape is Shape.ARRAY else ".*"
    return all(needs_restart(below, key) for below, key in walk(declared.of, f"{pattern}{mark}."))


def _settings(settings: attrs.AttrsInstance, above: KeyPath, pattern: str) -> Iterator[Setting]:
    kind = type(settings)
    plain = kind()
    for attribute in attrs.fields(kind):
        declared, value = describe(attribute), getattr(settings, attribute.name)
        path, form = (*above, key_name(attribute)), f"{pattern}{key_name(attribute)}"
        if isinstance(declared, Key):
            default = _shown(declared, getattr(plain, attribute.name))
            shown = _shown(declared, value)
            yield Setting(path=path, value=shown, default=default, is_live=not needs_restart(form, declared))
        elif declared.shape is Shape.ONCE:
            yield from _settings(value, path, f"{form}.")
        elif isinstance(value, Mapping):
            for domain, inner in value.items():
                yield from _settings(inner, (*path, str(domain)), f"{form}.*.")
        else:
            for number, inner in enumerate(value):
                yield from _settings(inner, (*path, number), f"{form}[].")


def _shown(key: Key, value: object) -> str | None:
    return None if value is None else key.kind.show(value)
