"""What the operator said, checked as a whole before any of it is used.

``load`` gathers the sources, `empath.config.schema` has every key, and a `ConfigError` has everything that is wrong::

    loaded = load(Sources.of_process())
    loaded.config.shutdown.grace_s

A *key* is a name in the file and an attribute in the schema. A *source* is a file, the environment or the command
line; an *origin* is the source of one value, with the line. A *fault* says what, why and what to try, under a code
that stays the same.

The way of a value: `search` finds the file, `document` parses it, `lines` knows the line of each key, `layers` lays
the sources over each other, `structure` fills the classes of `schema` through cattrs, where each key reads its own
value (`kinds`, `units`), `absent` answers for keys that do not exist, `checks` looks at what no key knows alone.

Why not stop at the first fault: each round of edit, try, read costs the operator as much as the first. Why not a
warning for unknown keys: a misspelled limit is a limit that does not hold. Why not values that run commands or read
variables: a file then means something else on each machine, and cannot be checked on another. Why nothing but TOML:
one grammar, in the standard library, with types.
"""

from empath.config.faults import Code, ConfigError, Fault, Severity, as_json, as_text
from empath.config.load import Loaded, Sources, load
from empath.config.places import KeyPath, Origin, dotted

__all__ = [
    "Code",
    "ConfigError",
    "Fault",
    "KeyPath",
    "Loaded",
    "Origin",
    "Severity",
    "Sources",
    "as_json",
    "as_text",
    "dotted",
    "load",
]
