"""Two configurations beside each other: what differs, and what of it a running daemon can take.

A value is shown as a file would say it. There are no secrets among them: those stand in files of their own.
"""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
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
    """Return what a running daemon makes of a new configuration: keys that need a restart keep their values.

    In an array of tables each element stays as it is, with all its keys, in which a key differs that needs a restart:
    it may be another one altogether. If such an array has become longer or shorter, its end stays as it was.
    """
    return _merged(running, wanted, "")


def _merged(running: T, wanted: T, above: str) -> T:
    values: dict[str, object] = {}
    kind: Any = type(running)  # a settings class, of which attrs knows more than a type can say
    for attribute in attrs.fields(kind):
        declared, pattern = describe(attribute), f"{above}{key_name(attribute)}"
        before = getattr(running, attribute.name)
        after = getattr(wanted, attribute.name)
        if isinstance(declared, Key):
            values[attribute.name] = before if needs_restart(pattern, declared) else after
        elif declared.shape is Shape.ONCE:
            values[attribute.name] = _merged(before, after, f"{pattern}.")
        elif declared.shape is Shape.ARRAY and _has_fixed_keys(declared, f"{pattern}[]."):
            values[attribute.name] = _elements(before, after, f"{pattern}[].")
        else:
            values[attribute.name] = after
    merged: T = kind(**values)
    return merged


def _has_fixed_keys(table: Table, above: str) -> bool:
    return any(needs_restart(pattern, key) for pattern, key in walk(table.of, above))


def _elements(running: tuple[T, ...], wanted: tuple[T, ...], above: str) -> tuple[T, ...]:
    return tuple(
        new if new is not None and _merged(old, new, above) == new else old
        for old, new in zip_longest(running, wanted[: len(running)])
    )


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
