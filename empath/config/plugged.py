"""What the configuration calls by a name that somebody else has given: hooks, and the settings they have of their own.

A package brings a hook by an entry point of the group ``empath.hooks`` in its metadata. The entry point leads to a
class, whose ``Settings`` declares the keys that it takes, in the way that ``empath.config.schema`` declares its own. So
a misspelled setting of a hook is found with the same words, and at the same time, as any other fault; and nothing of
other people is imported unless the configuration asks for it.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, Protocol

import attrs

from empath.config.faults import Code, Fault
from empath.config.layers import Layers
from empath.config.places import KeyPath
from empath.config.refusal import Refusal, quoted
from empath.config.schema import HookSettings
from empath.config.schema.keys import Key, describe, key_name
from empath.config.structure import Reading, fault_of
from empath.world.ports import World

GROUP: Final = "empath.hooks"


class HookClass(Protocol):
    """What an entry point leads to: a class that makes the hook."""

    Settings: type[Any]
    """A frozen attrs class of declared keys. It may raise Refusal for keys that do not go together."""

    def __call__(self, *, settings: Any, world: World) -> object:
        """Make the hook. ``settings`` is one of its ``Settings``: only it knows which, hence Any."""


def installed() -> Mapping[str, EntryPoint]:
    """Return the hooks that the installed packages bring, by name. Nothing is imported."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def load_hook(name: str, known: Mapping[str, EntryPoint]) -> HookClass:
    """Import a hook. Raises Refusal for one that is not there, or cannot be used."""
    listed = ", ".join(map(quoted, sorted(known))) or "none"
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        what = f"there is no hook {quoted(name)}" if name else "not set"
        why = f"installed are {listed}"
        remedy = f"write {quoted(close[0])}" if close else "name one of these, or install the package that brings it"
        raise Refusal(Code.BAD_VALUE if name else Code.MISSING, what, why=why, remedy=remedy, at=("name",))
    try:
        found: HookClass = known[name].load()
        if not attrs.has(found.Settings):
            raise TypeError(f"{known[name].value} has no attrs class Settings")
    except Exception as problem:  # whatever the code of other people does while it is imported
        what = f"{quoted(name)} cannot be loaded: {type(problem).__name__}: {problem}"
        why = f"it is {known[name].value}, and what it would refuse would come in"
        raise Refusal(Code.BAD_VALUE, what, why=why, remedy="repair or remove its package", at=("name",)) from problem
    return found


def read_settings(name: str, hook: HookClass, raw: Mapping[str, object]) -> Any:
    """Return the settings of a hook. Raises a group of Refusals, with all that is wrong."""
    declared = {key_name(attribute): attribute for attribute in attrs.fields(hook.Settings)}
    refusals: list[Refusal] = []
    values: dict[str, object] = {}
    for key, value in raw.items():
        try:
            if key not in declared:
                raise _unknown(name, key, declared)
            values[declared[key].name] = _read(declared[key], value)
        except* Refusal as group:
            refusals += [_below(refusal, ("settings", key)) for refusal in _each(group)]
    if not refusals:
        try:
            return hook.Settings(**values)
        except Refusal as refusal:
            refusals.append(_below(refusal, ("settings",)))
    raise ExceptionGroup(f"settings of {name}", refusals)


def faults(reading: Reading, layers: Layers, find: Callable[[], Mapping[str, EntryPoint]]) -> Iterator[Fault]:
    """Yield what is wrong with the hooks of a configuration. Without hooks nobody is asked which there are."""
    known = find() if reading.config.smtp.hooks else {}
    for index, settings in enumerate(reading.config.smtp.hooks):
        path: KeyPath = ("smtp", "hooks", index)
        if {path, (*path, "name"), (*path, "settings")} & reading.refused:
            continue
        for refusal in _refusals(settings, known):
            yield fault_of(refusal, path, layers)


def _refusals(settings: HookSettings, known: Mapping[str, EntryPoint]) -> Iterator[Refusal]:
    try:
        read_settings(settings.name, load_hook(settings.name, known), settings.settings)
    except* Refusal as group:
        yield from _each(group)


def _unknown(name: str, key: str, declared: Mapping[str, object]) -> Refusal:
    close = difflib.get_close_matches(key, declared, n=1)
    has = f"hook {name} has {', '.join(declared) or 'no settings'}"
    remedy = f"rename to `{close[0]}`" if close else "leave it out"
    return Refusal(Code.UNKNOWN_KEY, "unknown setting", why=has, remedy=remedy)


def _read(attribute: "attrs.Attribute[Any]", raw: object) -> object:
    key = describe(attribute)
    if not isinstance(key, Key):
        raise TypeError(f"{attribute.name}: settings of a hook have no tables in them")
    return key.read(raw)


def _below(refusal: Refusal, above: KeyPath) -> Refusal:
    refusal.at = (*above, *refusal.at)
    return refusal


def _each(group: ExceptionGroup[Refusal]) -> Iterator[Refusal]:
    for inner in group.exceptions:
        if isinstance(inner, ExceptionGroup):
            yield from _each(inner)
        else:
            yield inner
