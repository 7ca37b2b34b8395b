"""The page on the audit log names every event with all its fields, and keys that exist."""

import re
from pathlib import Path

from empath.config.schema import Config, walk
from tests.ops.audit.test_records import CLOSED_LIST, record
from tests.ops.facts import UNKNOWN, attempted

PAGE = (Path(__file__).parents[2] / "docs" / "audit.rst").read_text()
ALWAYS = {"timestamp", "time", "event", "seq", "node", "schema"}


def table() -> dict[str, set[str]]:
    """What the table says of each event; "the same" is what stands above."""
    rows = re.split(r"(?m)^``(\w+)``  +", PAGE.partition("event          fields")[2].partition("\nAn attempt for")[0])
    found: dict[str, set[str]] = {}
    before = set[str]()
    for event, text in zip(rows[1::2], rows[2::2], strict=True):
        words = set(re.findall(r"\w+", text))
        same = re.match(r"as ``(\w+)``", text)
        before = found[event] = words | (found[same[1]] if same else before if text.startswith("the same") else set())
    return found


def test_the_table_has_all_events_and_their_fields() -> None:
    described = table()
    assert set(described) == {*CLOSED_LIST, "operator"}
    for event, fact in CLOSED_LIST.items():
        assert set(record(fact)) - ALWAYS <= described[event], event
    assert set(record(attempted(UNKNOWN))) - ALWAYS <= described["attempt"]


def test_the_keys_that_it_names_exist() -> None:
    keys = {pattern for pattern, _ in walk(Config)}
    named = set(re.findall(r"``(audit\.\w+)(?: = [^`]+)?``", PAGE)) - {"audit.key"}
    assert named == {key for key in keys if key.startswith("audit.")}
