"""From a tree of TOML values to a `Config`, with everything that is wrong found in one go.

cattrs fills the classes, refuses keys they do not have and collects the errors with their places; each value is read by
the `Key` that declares it. A value that is refused is then taken out and the tree is read again, so that the checks
across keys see the rest of the configuration, and so that nothing hides behind the first fault.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import attrs
from attrs import frozen
from cattrs import AttributeValidationNote, Converter, ForbiddenExtraKeysError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from empath.config.absent import refuse_key
from empath.config.faults import Code, Fault
from empath.config.kinds import DOMAIN, Kind
from empath.config.layers import Layers
from empath.config.places import KeyPath, dotted
from empath.config.refusal import Refusal
from empath.config.schema import ALIASES, Config
from empath.config.schema.keys import Key, Shape, describe, find, key_name
from empath.smtp.address import Domain


@frozen(kw_only=True)
class Reading:
    """What came of a tree."""

    config: Config
    """With the default in the place of every value that was refused."""
    faults: tuple[Fault, ...]
    refused: frozenset[KeyPath]
    """The keys that have their default for that reason."""


def read(layers: Layers) -> Reading:
    """Return the configuration that the layers make, and what is wrong with it. Aliases get their real names there."""
    aliases, faults = _settle_aliases(layers)
    tree = copy.deepcopy(layers.tree)
    refused: set[KeyPath] = set()
    while True:
        try:
            config: Config = _converter().structure(tree, Config)
        except ExceptionGroup as group:
            for path, refusal in list(_refusals(group, ())):
                spoiled = path if isinstance(find(Config, path)[1], Key) else (*path, *refusal.at)
                refused.add(spoiled)
                _prune(tree, spoiled)
                faults.append(fault_of(refusal, path, layers, known_as=aliases.get(path)))
        else:
            return Reading(config=config, faults=tuple(faults), refused=frozenset(refused))


def fault_of(refusal: Refusal, path: KeyPath, layers: Layers, *, known_as: KeyPath | None = None) -> Fault:
    """Return a refusal as a fault of the key at ``path``, which the operator may have called by another name."""
    return Fault(
        code=refusal.code,
        key=(*(known_as or path), *refusal.at),
        what=refusal.what,
        why=refusal.why,
        remedy=refusal.remedy,
        origin=layers.origin((*path, *refusal.at)),
    )


def _settle_aliases(layers: Layers) -> tuple[Mapping[KeyPath, KeyPath], list[Fault]]:
    """Give aliases their real names in the tree. Return who goes by which alias, and the aliases that disagree."""
    called: dict[KeyPath, KeyPath] = {}
    faults: list[Fault] = []
    for alias, real in ALIASES.items():
        given = layers.get(alias)
        if given is None:
            continue
        origin = layers.origin(alias)
        layers.remove(alias)
        other = layers.get(real)
        if other is None:
            layers.put(real, given, origin)
            called[real] = alias
        elif not _same(real, given, other):
            faults.append(
                Fault(
                    code=Code.ALIAS,
                    key=alias,
                    what=f"a second name of {dotted(real)}, with another value",
                    why=f"{dotted(real)} is set in {layers.origin(real)}",
                    remedy="keep one of the two",
                    origin=origin,
                )
            )
    return called, faults


def _same(path: KeyPath, one: object, other: object) -> bool:
    declared = find(Config, path)[1]
    try:
        return isinstance(declared, Key) and bool(declared.read(one) == declared.read(other))
    except Refusal:
        return one == other


def _container(toml: type, noun: str, grammar: str, example: str) -> Kind[Any]:
    return Kind(noun=noun, grammar=grammar, example=example, types=(toml,), convert=lambda raw: raw, show=str)


_TABLE: Final = _container(dict, "a table", "its keys stand below a header, or in braces", "[delivery]")
_CONTAINERS: Final = {
    Shape.ONCE: _TABLE,
    Shape.ARRAY: _container(list, "an array of tables", "each has a header in double brackets", "[[smtp.listeners]]"),
    Shape.BY_DOMAIN: _container(
        dict, "tables by domain", "each domain has its own", '[delivery.domains."example.org"]'
    ),
}


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook_factory(attrs.has, lambda settings: _table_hook(settings, converter))
    converter.register_structure_hook(Domain, lambda raw, _: DOMAIN.read(raw))
    return converter


Hook = Callable[[Any, Any], Any]
"""What cattrs calls: raw value and type in, value out."""


def _table_hook(settings: type[Any], converter: Converter) -> Hook:
    # Any, since cattrs takes these among keyword arguments of its own.
    overrides: dict[str, Any] = {
        attribute.name: override(rename=key_name(attribute), struct_hook=_value_hook(attribute, converter))
        for attribute in attrs.fields(settings)
    }
    fill = make_dict_structure_fn(settings, converter, _cattrs_forbid_extra_keys=True, **overrides)

    def hook(raw: Any, _: object) -> object:
        return fill(_TABLE.read(raw), settings)

    return hook


def _value_hook(attribute: "attrs.Attribute[Any]", converter: Converter) -> Hook:
    declared = describe(attribute)
    if isinstance(declared, Key):
        return lambda raw, _: declared.read(raw)

    def hook(raw: Any, _: object) -> object:
        wanted: Any = attribute.type
        value: object = converter.structure(_CONTAINERS[declared.shape].read(raw), wanted)
        if declared.shape is Shape.BY_DOMAIN:
            _demand_distinct(raw)
        return value

    return hook


def _demand_distinct(names: Iterable[str]) -> None:
    first: dict[Domain, str] = {}
    why = "upper and lower case, and both forms of an international name, mean one domain"
    remedy = "put all keys of the domain into one table"
    again = [
        Refusal(Code.CONTRADICTION, f"the same domain as {dotted((known,))}", why=why, remedy=remedy, at=(name,))
        for name in names
        if (known := first.setdefault(DOMAIN.read(name), name)) != name
    ]
    if again:
        raise ExceptionGroup("domains", again)


def _refusals(group: BaseException, path: KeyPath) -> Iterator[tuple[KeyPath, Refusal]]:
    """Yield what is in an error that cattrs raised, each with its path. Anything but a refusal is a bug of ours."""
    match group:
        case Refusal():
            yield path, group
        case ForbiddenExtraKeysError():
            for name in sorted(group.extra_fields):
                yield (*path, name), refuse_key((*path, name))
        case BaseExceptionGroup():
            for inner in group.exceptions:
                yield from _refusals(inner, (*path, *_step(inner, getattr(group, "cl", None))))
        case _:
            raise group


def _step(error: BaseException, inside: type[Any] | None) -> KeyPath:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote) and inside is not None:
            return (key_name(getattr(attrs.fields(inside), note.name)),)
        if isinstance(note, IterableValidationNote):
            return (note.index,)
    return ()


def _prune(tree: Any, path: KeyPath) -> None:
    """Take a value out. In an array an empty table takes its place, so that the others keep their numbers.

    Nothing happens if it, or what it was in, has been taken out before.
    """
    for step in path[:-1]:
        tree = tree.get(step, {}) if isinstance(tree, dict) else tree[step]
    if isinstance(tree, list):
        tree[int(path[-1])] = {}
    else:
        tree.pop(path[-1], None)
