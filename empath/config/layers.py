"""Several sources laid over each other: defaults, files, variables of the environment, the command line.

A later source wins key by key. Tables are merged; anything else, arrays included, is replaced as a whole, so that the
file that names ``smtp.listeners`` last is the one to read. Each value keeps its origin.

A variable is named after its key: ``EMPATH_DELIVERY__MAX_ATTEMPTS``, ``EMPATH_SMTP__LISTENERS__0__TLS``,
``EMPATH_DELIVERY__DOMAINS__gmail.com__RATE_LIMIT``. Its text is written without quotes, a list with commas.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from empath.config.absent import refuse_key
from empath.config.faults import Code
from empath.config.lines import split_key
from empath.config.places import COMMAND_LINE, DEFAULT, KeyPath, Origin
from empath.config.refusal import Refusal
from empath.config.schema import ALIASES, Config
from empath.config.schema.keys import Key, Shape, Table, find

_PREFIX: Final = "EMPATH_"
_NOT_KEYS: Final = frozenset({"EMPATH_CONFIG", "EMPATH_URL", "EMPATH_TOKEN_FILE"})
"""Variables that commands read and that name no key."""


@frozen
class Given:
    """A value that a source has for a key."""

    value: object
    """As `tomllib` returns it; nobody has judged it yet."""
    origin: Origin


@define
class Layers:
    """The merged tree, as nested dicts and lists, and who set what in it."""

    tree: dict[str, Any] = field(factory=dict)
    """Any: these are TOML values that nobody has judged yet."""
    _origins: dict[KeyPath, Origin] = field(factory=dict)
    _earlier: dict[KeyPath, list[Given]] = field(factory=dict)
    """What stood where something else stands now, the earliest first."""

    def lay(self, over: Mapping[str, Any], origin_of: Callable[[KeyPath], Origin], *, at: KeyPath = ()) -> None:
        """Lay a tree over what is there."""
        for name, value in over.items():
            path = (*at, name)
            if isinstance(value, dict) and isinstance(self.get(path), dict):
                self._origins[path] = origin_of(path)
                self.lay(value, origin_of, at=path)
            else:
                self._put(path, value, origin_of)

    def put(self, path: KeyPath, value: object, origin: Origin) -> None:
        """Set one value, with the tables above it that do not exist yet.

        Raises Refusal for an array element that is neither there nor the next one. Where a table is needed and
        something else stands nothing is set: reading the tree will find what stands there.
        """
        self._put(path, value, lambda _: origin)

    def _put(self, path: KeyPath, value: object, origin_of: Callable[[KeyPath], Origin]) -> None:
        holder: Any = self.tree
        for depth in range(1, len(path)):
            holder = _slot(holder, path[depth - 1], [] if isinstance(path[depth], int) else {})
            self._origins.setdefault(path[:depth], origin_of(path[:depth]))
        before = _slot(holder, path[-1], value)
        if before is not None:
            if path in self._origins:
                self._earlier.setdefault(path, []).append(Given(before, self._origins[path]))
            holder[path[-1]] = value
            self._remember(path, value, origin_of)

    def _remember(self, path: KeyPath, value: object, origin_of: Callable[[KeyPath], Origin]) -> None:
        self._origins[path] = origin_of(path)
        inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, part in inner:
            self._remember((*path, step), part, origin_of)

    def get(self, path: KeyPath) -> object:
        """Return what stands there, None if nothing does: TOML has no null."""
        here: Any = self.tree
        for step in path:
            inside = isinstance(here, dict) and step in here
            inside = inside or (isinstance(here, list) and isinstance(step, int) and step < len(here))
            if not inside:
                return None
            here = here[step]
        return here

    def remove(self, path: KeyPath) -> object:
        """Take a value out and return it, with the tables above it that it leaves empty."""
        holder: Any = self.get(path[:-1])
        value: object = holder.pop(path[-1])
        if not holder and len(path) > 1 and isinstance(path[-2], str):
            self.remove(path[:-1])
        return value

    def origin(self, path: KeyPath) -> Origin:
        """Return who set a value; for one that is missing, who named the nearest table above it."""
        while path and self.get(path) is None:
            path = path[:-1]
        return self._origins.get(path, DEFAULT)

    def history(self, path: KeyPath) -> tuple[Given, ...]:
        """Return what was said of a key, the earliest first; the last one counts. None: nobody said anything.

        Of a key in an array only the array that counts is looked at.
        """
        value = self.get(path)
        last = () if value is None else (Given(value, self.origin(path)),)
        return (*self._earlier.get(path, ()), *last)

    def is_given(self, path: KeyPath) -> bool:
        """Tell whether an operator set this, rather than nobody."""
        return self.get(path) is not None and self.origin(path) != DEFAULT


def _slot(holder: Any, step: str | int, fresh: object) -> Any:
    """Return what stands at a step, and put ``fresh`` there if nothing does. None: there is no such place."""
    if isinstance(holder, dict):
        return holder.setdefault(step, fresh)
    if not isinstance(holder, list) or not isinstance(step, int):
        return None
    if step > len(holder):
        what = f"there is no element {step}, and it is not the next one"
        why = f"elements count from 0, and {len(holder)} come from earlier sources"
        raise Refusal(Code.BAD_VALUE, what, why=why, remedy=f"element {len(holder)}")
    if step == len(holder):
        holder.append(fresh)
    return holder[step]


@frozen
class Setting:
    """One key that was set by a text of its own."""

    steps: tuple[str, ...]
    text: str
    origin: Origin

    @property
    def path(self) -> KeyPath:
        """The key, with numbers where arrays are."""
        path: KeyPath = ()
        for step in self.steps:
            declared = find(Config, path)[1]
            numbered = isinstance(declared, Table) and declared.shape is Shape.ARRAY and step.isdecimal()
            path = (*path, int(step[:9]) if numbered else step)
        return path

    @property
    def is_top_level(self) -> bool:
        """Whether it is a variable without a table in its name, which somebody else may have named."""
        return len(self.steps) == 1 and self.origin != COMMAND_LINE

    def apply(self, layers: Layers) -> None:
        """Set it. Raises Refusal for a key that does not exist or is a table."""
        match find(Config, ALIASES.get(self.path, self.path))[1]:
            case Key(kind=kind):
                layers.put(self.path, kind.from_text(self.text), self.origin)
            case Table():
                why = "one text sets one value"
                raise Refusal(Code.WRONG_TYPE, "this is a table", why=why, remedy="set the keys in it")
            case _:
                raise refuse_key(self.path)


def from_environment(environ: Mapping[str, str]) -> Iterator[Setting]:
    """Yield what the variables ``EMPATH_...`` set, in the order of their names."""
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in _NOT_KEYS:
            steps = name.removeprefix(_PREFIX).lower().split("__")
            yield Setting(tuple(steps), environ[name], Origin(f"${name}"))


def from_flags(flags: Mapping[str, str]) -> Iterator[Setting]:
    """Yield what the command line sets: dotted keys and their texts."""
    for key, text in flags.items():
        yield Setting(split_key(key), text, COMMAND_LINE)
