"""What may not be in the tree: names that say nothing, modules that do not say what they are, paths of a workplace."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shape.tree import ROOT, Module, files, modules

# A module with such a name has no idea of its own, so it attracts the homeless ones of all others.
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"}

# Paths that exist on one machine, or beside one checkout, only.
WORKPLACE = re.compile(rb"(?<![\w.~}-])/(?:home|root|work|Users)/\w|\.\./shared\b")

MANUAL_PAGE_CHARACTERS = 300


def test_every_module_name_says_something() -> None:
    names = [module.name for top in ("empath", "tests", "fuzz", "bench") for module in modules(top)]
    assert [name for name in names if EMPTY_NAMES & set(re.split(r"[._]", name))] == []


def test_every_module_says_what_it_is() -> None:
    assert [module.name for module in modules("empath") if not ast.get_docstring(module.tree)] == []


def test_every_package_is_introduced_by_at_least_a_paragraph() -> None:
    packages = [module for module in modules("empath") if module.is_package]
    assert [module.name for module in packages if len(introduction(module)) < MANUAL_PAGE_CHARACTERS] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert [mention for path in files() for mention in workplace_mentions(path)] == []


@pytest.mark.parametrize("text", ["cd /ho" + "me/ann/empath", '"/wo' + 'rk/main"', "see .." + "/shared/notes"])
def test_a_path_of_a_workplace_is_seen(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes").write_text(f"first line\n{text}\n")
    assert [mention.rpartition(":")[2] for mention in workplace_mentions(tmp_path / "notes")] == ["2"]


@pytest.mark.parametrize(
    "text", ["https://example.org/home/page", "~/letters/mail", "/var/spool/empath", "$HOME/letters/x"]
)
def test_a_path_of_no_particular_machine_is_let_pass(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes").write_text(text)
    assert list(workplace_mentions(tmp_path / "notes")) == []


def introduction(module: Module) -> str:
    """Return the docstring of a module, or nothing."""
    return ast.get_docstring(module.tree) or ""


def workplace_mentions(path: Path) -> Iterator[str]:
    """Yield ``file:line`` for each line of a file that names a path of a workplace."""
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if WORKPLACE.search(line):
            yield f"{shown}:{number}"
