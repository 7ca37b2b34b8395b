"""docs/lanes.rst: its table is that of the breaker, its rule is one, its reasons and pictures are there."""

import re
import tomllib
from pathlib import Path

from empath.mail.waiting import WaitReason
from empath.policy import breaker
from empath.policy.replies import read_tables

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "lanes.rst").read_text()


def test_the_table_of_the_breaker_is_the_table() -> None:
    assert [line for line in breaker.diagram().splitlines() if f"    {line}\n" not in PAGE] == []


def test_the_rule_does_what_its_examples_say() -> None:
    block = PAGE.partition("    [[delivery.reply_rules]]\n")[2].partition("\n\n")[0]
    table = tomllib.loads("\n".join(line.strip() for line in block.splitlines()))
    (rule,) = read_tables([table])
    assert str(rule.reaction) == "slow 0.5, connections 3"


def test_every_reason_is_explained_that_is_ever_given() -> None:
    section = PAGE.partition("Why a message waits\n")[2].partition("The reason is read")[0]
    explained = set(re.findall(r"^``([a-z_]+)``", section, re.MULTILINE))
    assert explained == {reason.value for reason in WaitReason}


def test_every_picture_is_there() -> None:
    assert [name for name in re.findall(r"image:: (\S+)", PAGE) if not (DOCS / name).exists()] == []
