"""A value that cannot be accepted, and the words for what was found in its place."""

import json

from empath.config.faults import Code
from empath.config.places import KeyPath


class Refusal(Exception):
    """A value, or the lack of one, that cannot be accepted. It becomes a `Fault` where its place is known."""

    def __init__(self, code: Code, what: str, *, why: str, remedy: str, at: KeyPath = ()) -> None:
        """``at``: the way from the value that was read to the part that is wrong, as the index in a list."""
        super().__init__(what)
        self.code = code
        self.what = what
        self.why = why
        self.remedy = remedy
        self.at = at


def found(raw: object) -> str:
    """Say what stood in the place of something else."""
    match raw:
        case bool():
            return "true" if raw else "false"
        case int() | float():
            return f"the number {raw}"
        case str():
            return f"the text {quoted(raw if len(raw) <= 60 else raw[:60] + '...')}"
        case list():
            return "an array"
        case dict():
            return "a table"
    return "a date or time"


def quoted(value: object) -> str:
    """Write the string form of a value as a TOML string."""
    return json.dumps(str(value), ensure_ascii=False)
