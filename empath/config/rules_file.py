"""The file of rules that ``delivery.rules_file`` names, tried out before the daemon starts with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from empath.config.faults import Code, Fault
from empath.config.layers import Layers
from empath.config.places import KeyPath
from empath.config.structure import Reading
from empath.policy.replies import RulesFault, parse

_KEY: Final[KeyPath] = ("delivery", "rules_file")


def faults(reading: Reading, layers: Layers, content: Callable[[Path], bytes]) -> Iterator[Fault]:
    """Yield what is wrong with the file, one fault for each rule. ``content`` may raise OSError."""
    path = reading.config.delivery.rules_file
    if path is None:
        return
    code, why = Code.RULES_FILE, "failures would be called something else than you meant"
    remedy = "docs/reports.rst says how rules are written"
    try:
        parse(content(path).decode())
        return
    except OSError as error:
        code, why = Code.FILE_MISSING, "the daemon could not either, and would have to do without it"
        wrong = [f"cannot be read: {(error.strerror or type(error).__name__).lower()}"]
        remedy = "check the path, and that the user of the daemon may read it"
    except UnicodeDecodeError:
        wrong = ["it is not UTF-8"]
    except RulesFault as problem:
        wrong = str(problem).split("\n")
    for what in wrong:
        yield Fault(code=code, key=_KEY, what=f"{path}: {what}", why=why, remedy=remedy, origin=layers.origin(_KEY))
