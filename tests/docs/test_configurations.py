"""Every piece of configuration that the pages show can be used as it stands, and so can the files to start from."""

import re
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from empath.config import Sources, load
from empath.config.plugged import installed

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.rst"))
_BLOCK = re.compile(r"(?m)^( *)(?:\.\. code-block:: (\w+)|(?!\.\.).*::)\n\n((?:\1 +.*\n|\n)+)")
_OFFER = re.compile(r"(?m)^# (?=\[|\w[\w.]* = )")
"""A line of a configuration that a reader may take the hash from."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the literal blocks of a page: what language they are said to be in, if any, and their text."""
    for _, language, text in _BLOCK.findall(page.read_text()):
        yield language, textwrap.dedent(text)


def is_toml(text: str) -> bool:
    try:
        return bool(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return False


SHOWN = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, (language, text) in enumerate(blocks(page))
    if language == "toml" and "[project" not in text and "[[rules]]" not in text
]


@pytest.mark.parametrize("text", SHOWN)
def test_what_a_page_shows_can_be_used(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "examples"))
    example = EntryPoint("subjects", "reception_hook:Subjects", "empath.hooks")
    path = tmp_path / "empath.toml"
    path.write_text(text if text.startswith("mode = ") else f'mode = "live"\nhostname = "mx.example.org"\n{text}')
    hooks = {**installed(), example.name: example}
    # Which raises what is wrong. Warnings are for what the rest of a configuration would have: a fragment has no rest.
    assert load(Sources(file=path, is_root=True, looks_at_files=False, hooks=lambda: hooks)).files == (path,)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_marks_its_configurations_as_such(page: Path) -> None:
    assert [text for language, text in blocks(page) if not language and is_toml(text)] == []


@pytest.mark.parametrize("name", ["empath.toml", "relay.toml", "sandbox.toml"])
def test_what_a_file_offers_in_comments_can_be_used(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(_OFFER.sub("", (ROOT / "conf" / name).read_text()))
    assert load(Sources(file=path, is_root=True, looks_at_files=False)).files == (path,)


def test_there_is_something_to_look_at() -> None:
    assert len(SHOWN) > 10
