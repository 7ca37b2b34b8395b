"""The page on failures shows rules that do what it says, and names every class."""

import re
from pathlib import Path

from empath.config.schema import Config, walk
from empath.mail.diagnosis import Phase
from empath.mail.failure_class import FailureClass
from empath.policy.replies import parse
from tests.docs.test_configurations import blocks

PAGE = Path(__file__).parents[2] / "docs" / "reports.rst"
TEXT = PAGE.read_text()


def test_the_rules_that_it_shows_can_be_used() -> None:
    (rules,) = [text for _, text in blocks(PAGE) if "[[rules]]" in text]
    (rule,) = parse(rules)
    assert rule.failure_class is FailureClass.BLOCKED


def test_the_table_has_every_class() -> None:
    rows = re.findall(r"(?m)^``(\w+)``  ", TEXT)
    assert {FailureClass(name) for name in rows} == set(FailureClass)
    assert len(rows) == len(FailureClass)


def test_every_phase_that_a_rule_may_name_is_listed() -> None:
    (listed,) = re.findall(r"phases = .* # (.*)", TEXT)
    assert [Phase(name) for name in listed.split(", ")] == [phase for phase in Phase if phase is not Phase.ROUTE]


def test_the_keys_that_it_names_exist() -> None:
    keys = {pattern for pattern, _ in walk(Config)}
    named = set(re.findall(r"``(delivery\.[\w.]+)(?: = [^`]*)?``", TEXT))
    assert len(named) > 10
    assert named <= keys
