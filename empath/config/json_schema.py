"""The schema as editors read it: JSON Schema 2020-12, made from the settings classes, so that neither drifts.

An editor completes names, shows what a key means and marks what cannot be. It knows less than the daemon does: what
the text of a duration or a network must be, and which keys contradict each other, says ``empath config check``.
"""

import tomllib
from enum import Enum
from typing import Any, Final

import attrs

from empath.config.schema import ALIASES, Config, Key
from empath.config.schema.keys import Shape, Table, describe, find, key_name
from empath.config.schema.restart import needs_restart

Json = dict[str, object]

_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def json_schema() -> Json:
    """Return the schema of the whole file."""
    schema = _object(Config, "")
    for alias, real in ALIASES.items():
        pattern, declared = find(Config, real)
        if isinstance(declared, Key):
            meaning = f"Another name of {pattern}: {declared.meaning}."
            _properties_at(schema, alias[:-1])[str(alias[-1])] = _types(declared) | {"description": meaning}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "The configuration of Empath", **schema}


def _properties_at(schema: Json, path: tuple[str | int, ...]) -> Json:
    """The properties of a table; one that only aliases stand in is made."""
    here: Any = schema  # JSON
    for step in path:
        here = here["properties"].setdefault(
            str(step), {"type": "object", "additionalProperties": False, "properties": {}}
        )
    properties: Json = here["properties"]
    return properties


def _object(settings: type, above: str) -> Json:
    kind: Any = settings  # a settings class
    properties = {key_name(one): _property(one, f"{above}{key_name(one)}") for one in attrs.fields(kind)}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _property(attribute: "attrs.Attribute[Any]", pattern: str) -> Json:
    declared = describe(attribute)
    if isinstance(declared, Key):
        return _key(declared, pattern, attribute.default)
    return _table(declared, pattern)


def _table(table: Table, pattern: str) -> Json:
    match table.shape:
        case Shape.ONCE:
            return _object(table.of, f"{pattern}.")
        case Shape.ARRAY:
            return {"type": "array", "items": _object(table.of, f"{pattern}[].")}
        case Shape.BY_DOMAIN:
            return {"type": "object", "additionalProperties": _object(table.of, f"{pattern}.*.")}


def _key(key: Key, pattern: str, default: object) -> Json:
    mark = " [R]: it takes a restart." if needs_restart(pattern, key) else "."
    found = _types(key) | {"description": f"It says {key.meaning}{mark}"}
    if default is not None:
        found["default"] = tomllib.loads(f"value = {key.kind.show(default)}")["value"]
    if isinstance(default, Enum) and key.kind.types == (str,):
        found["examples"] = [member.value for member in type(default)]
    return found


def _types(key: Key) -> Json:
    names = [_TYPES[kind] for kind in key.kind.types]
    if names == ["integer", "number"]:
        names = ["number"]
    found: Json = {"type": names[0] if len(names) == 1 else names}
    if "string" not in names:
        found |= {"minimum": key.at_least} if key.at_least is not None else {}
        found |= {"maximum": key.at_most} if key.at_most is not None else {}
    return found
