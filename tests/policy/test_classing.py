"""The class of a message, by what it says of itself."""

import pytest

from empath.mail.priority import Priority
from empath.policy.scheduling import Classing, HeaderRule, class_of_mt_priority, header_class
from empath.policy.scheduling.classing import at_most

CRITICAL, HIGH, NORMAL, LOW = Priority
BULK = HeaderRule(name=b"precedence", value=b"bulk", priority=LOW)
URGENT = HeaderRule(name=b"x-urgent", priority=CRITICAL)


@pytest.mark.parametrize(
    ("number", "priority"), [(-9, LOW), (-1, LOW), (0, NORMAL), (1, HIGH), (3, HIGH), (4, CRITICAL), (9, CRITICAL)]
)
def test_a_priority_of_rfc_6710_is_a_class(number: int, priority: Priority) -> None:
    assert class_of_mt_priority(number) is priority


def test_nobody_gets_above_the_cap() -> None:
    assert class_of_mt_priority(9, cap=HIGH) is HIGH
    assert class_of_mt_priority(0, cap=LOW) is LOW
    assert at_most(LOW, HIGH) is LOW


@pytest.mark.parametrize(
    ("section", "priority"),
    [
        (b"Subject: x\r\n", None),
        (b"PRECEDENCE:  Bulk \r\n", LOW),
        (b"Precedence: list\r\n", None),
        (b"Precedence:\r\n bulk\r\nX-Urgent: 1\r\n", LOW),
        (b"X-Urgent: anything\r\n", CRITICAL),
    ],
)
def test_the_first_rule_that_matches_gives_the_class(section: bytes, priority: Priority | None) -> None:
    assert header_class(section, [BULK, URGENT], trusted=True) is priority


def test_a_stranger_can_lower_mail_and_not_raise_it() -> None:
    assert header_class(b"X-Urgent: 1\r\nPrecedence: bulk\r\n", [URGENT, BULK], trusted=False) is LOW
    assert header_class(b"X-Urgent: 1\r\n", [URGENT], trusted=False) is None


def test_without_rules_nothing_is_looked_at() -> None:
    assert header_class(b"X-Urgent: 1\r\n", [], trusted=True) is None


CLASSING = Classing(listener=LOW, users={"ann": CRITICAL}, headers=[BULK], cap=HIGH)


@pytest.mark.parametrize(
    ("mt_priority", "section", "user", "priority"),
    [
        (9, b"Precedence: bulk\r\n", "ann", HIGH),
        (0, b"Precedence: bulk\r\n", "ann", NORMAL),
        (None, b"Precedence: bulk\r\n", "ann", LOW),
        (None, b"", "ann", CRITICAL),
        (None, b"", "bob", LOW),
    ],
)
def test_what_is_nearest_to_the_message_decides(
    mt_priority: int | None, section: bytes, user: str, priority: Priority
) -> None:
    assert CLASSING.of(mt_priority, section, user=user, trusted=True) is priority


def test_where_nothing_tells_of_a_class_there_is_none() -> None:
    assert Classing().of(None, b"Subject: x\r\n", user="ann", trusted=True) is None
