"""Keys that do not exist, which mostly are keys that somebody misspelled.

None is ever passed over in silence, since a key that is ignored leaves the operator with a setting in the file and none
in the daemon.
"""

import difflib
from collections.abc import Iterator

from empath.config.faults import Code
from empath.config.places import KeyPath, dotted
from empath.config.refusal import Refusal
from empath.config.schema import ALIASES, Config, walk
from empath.config.schema.keys import Shape, Table, find, keys_of


def refuse_key(path: KeyPath) -> Refusal:
    """Return why a key that the schema does not have is refused."""
    return Refusal(Code.UNKNOWN_KEY, "unknown key", why=_loss(path), remedy=_suggestion(path))


def _loss(path: KeyPath) -> str:
    if path[:2] == ("delivery", "domains") and len(path) > 3:
        return f"a misspelled key would leave {path[2]} without the limit you meant"
    return "a misspelled key would leave the default in force, without a word"


def _suggestion(path: KeyPath) -> str:
    depth = next(depth for depth in range(1, len(path) + 1) if find(Config, path[:depth])[1] is None)
    above, name = path[: depth - 1], str(path[depth - 1])
    declared = find(Config, above)[1]
    if isinstance(declared, Table) and declared.shape is Shape.ARRAY:
        return "name an element of the array by its number, from 0"
    beside = list(_names_in(above))
    if close := difflib.get_close_matches(name, beside, n=1):
        return f"rename to `{close[0]}`"
    elsewhere = [pattern for pattern, _ in walk(Config) if pattern.rpartition(".")[2] == str(path[-1])]
    if len(elsewhere) > 1:  # a rule that overrides a key is rarely what was meant
        elsewhere = [pattern for pattern in elsewhere if "[]" not in pattern]
    if len(elsewhere) == 1:
        return f"there is `{elsewhere[0]}`"
    return f"{dotted(above) or 'the top level'} has {', '.join(beside)}"


def _names_in(table: KeyPath) -> Iterator[str]:
    declared = find(Config, table)[1]
    yield from keys_of(declared.of) if isinstance(declared, Table) else ()
    yield from (str(alias[-1]) for alias in ALIASES if alias[:-1] == table)
