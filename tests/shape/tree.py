"""The source tree as the shape tests read it: files on disk and modules with their syntax trees."""

import ast
from functools import lru_cache
from pathlib import Path

from attrs import field, frozen

ROOT = Path(__file__).parents[2]

# The directories of the project, and the names in them that `.gitignore` leaves out.
PLACES = (".ci", "bench", "conf", "docs", "empath", "fuzz", "tests")
WRITTEN_BY_TOOLS = {"__pycache__", "_build", "findings", "results"}


@frozen
class Module:
    """One Python file: its dotted name below the root of the checkout, its text and what the text parses to."""

    name: str
    is_package: bool
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @property
    def package(self) -> str:
        """The dotted name of the package that relative imports of this module start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def parse(name: str, text: str, *, is_package: bool = False) -> Module:
    """Return the module that this text would be under this name."""
    return Module(name=name, is_package=is_package, text=text, tree=ast.parse(text, filename=name))


# Parsed once, whatever number of tests look at them: it takes seconds.
@lru_cache
def modules(top: str) -> tuple[Module, ...]:
    """Return every module below one top-level directory, sorted by path; none where the directory is missing."""
    return tuple([_module(path) for path in sorted((ROOT / top).rglob("*.py"))])


def _module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    return parse(".".join(parts[:-1] if is_package else parts), path.read_text(), is_package=is_package)


def files() -> list[Path]:
    """Return every file that somebody wrote, sorted; found without git, so an unpacked archive can be judged too."""
    top = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".coverage")]
    inner = [path for place in PLACES for path in (ROOT / place).rglob("*") if path.is_file()]
    return sorted(path for path in top + inner if not WRITTEN_BY_TOOLS & set(path.relative_to(ROOT).parts))
