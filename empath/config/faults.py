"""What is wrong with a configuration, told to people and to programs.

A fault says what, why and what to try, and carries a code that does not change between releases: one page of the
documentation can be found by it. An error keeps the configuration from being used; a warning does not.
"""

import json
from collections.abc import Iterable, Sequence
from enum import Enum, StrEnum
from typing import Final

from attrs import frozen

from empath.config.places import DEFAULT, KeyPath, Origin, dotted

_LOCATION_COLUMN: Final = 76
_LINE_WIDTH: Final = 120


class Code(StrEnum):
    """The kinds of fault. A number is never reused for another kind."""

    UNREADABLE = "CFG001"
    """A configuration file cannot be read."""
    NOT_TOML = "CFG002"
    """A configuration file is not TOML, or not UTF-8."""
    WRONG_TYPE = "CFG010"
    """The value is of another type than the key takes."""
    BAD_VALUE = "CFG011"
    """The type is right and the text means nothing."""
    OUT_OF_RANGE = "CFG012"
    """A number, duration or size outside its limits."""
    MISSING = "CFG013"
    """A key that must be set is not."""
    UNKNOWN_KEY = "CFG014"
    """No such key."""
    UNSAFE = "CFG017"
    """The value can be understood and must not be used."""
    ALIAS = "CFG018"
    """Two names of one key are set to different values."""
    CONTRADICTION = "CFG019"
    """Two keys cannot both be obeyed."""
    FILE_MISSING = "CFG020"
    """A file that a key names cannot be read."""
    IGNORED_VARIABLE = "CFG021"
    """A variable of the environment looks like ours and names no key."""
    UNUSABLE = "CFG023"
    """What a key names is there, and does not hold what the daemon needs; or it is a user that does not exist."""
    RULES_FILE = "CFG024"
    """A file of rules that a key names holds something that is no rule, or that its own examples contradict."""
    BELOW_RFC = "CFG030"
    """Shorter or smaller than RFC 5321 asks for."""
    SCHEDULE = "CFG031"
    """Attempts and age do not fit each other."""
    NO_EFFECT = "CFG032"
    """The value changes nothing: another key is stricter, or what it is about is not there."""
    HOSTNAME = "CFG033"
    """The host name will not be believed by other hosts."""
    EXPOSED = "CFG034"
    """A file that a key names holds secrets, and everybody on this machine can read or write it."""


class Severity(Enum):
    """Whether the configuration may be used all the same."""

    ERROR = "error"
    WARNING = "warn"


@frozen(kw_only=True)
class Fault:
    """One thing that is wrong."""

    code: Code
    severity: Severity = Severity.ERROR
    key: KeyPath = ()
    """The key, as the operator wrote it; empty when the fault lies in no single key."""
    what: str
    why: str
    remedy: str
    """What to try."""
    origin: Origin = DEFAULT

    @property
    def is_error(self) -> bool:
        """Whether the configuration must not be used."""
        return self.severity is Severity.ERROR


class ConfigError(Exception):
    """The configuration cannot be used. ``faults`` is all that is wrong: errors, then warnings, in reading order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """At least one of the faults is an error."""
        super().__init__(faults)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        """The whole report, as ``empath config check`` prints it."""
        return as_text(self.faults)


def as_text(faults: Sequence[Fault]) -> str:
    """Write faults for people: two or three lines each, then the count. No faults, no text."""
    if not faults:
        return ""
    return "\n".join([*(_paragraph(fault) for fault in faults), _count(faults)])


def as_json(faults: Sequence[Fault]) -> str:
    """Write faults for programs: one object, whose fields stay as they are while ``schema`` says ``/1``."""
    report = {
        "schema": "empath.config-check/1",
        "ok": not any(fault.is_error for fault in faults),
        "faults": [_record(fault) for fault in faults],
    }
    return json.dumps(report, ensure_ascii=False)


def _paragraph(fault: Fault) -> str:
    head = f"{fault.severity.value:<5}[{fault.code}] "
    head += f"{dotted(fault.key)}: {fault.what}" if fault.key else fault.what
    if fault.origin != DEFAULT:
        head = f"{head:<{_LOCATION_COLUMN - 2}}  {fault.origin}"
    why, remedy = f"   why  {fault.why}", f"   try  {fault.remedy}"
    both = f"{why}    {remedy}"
    return "\n".join([head, both] if len(both) <= _LINE_WIDTH else [head, why, remedy])


def _count(faults: Iterable[Fault]) -> str:
    errors = sum(fault.is_error for fault in faults)
    warnings = sum(not fault.is_error for fault in faults)
    parts = [
        f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in ((errors, "error"), (warnings, "warning"))
    ]
    counted = ", ".join(part for part in parts if not part.startswith("0 "))
    return f"{counted}. Not loaded." if errors else f"{counted}."


def _record(fault: Fault) -> dict[str, object]:
    return {
        "code": fault.code,
        "severity": "error" if fault.is_error else "warning",
        "key": dotted(fault.key) or None,
        "source": fault.origin.source,
        "line": fault.origin.line,
        "what": fault.what,
        "why": fault.why,
        "try": fault.remedy,
    }
