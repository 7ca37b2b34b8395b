"""Sender domains, as the world is to see them."""

import pytest

from empath.policy.reception.rewriting import SenderDomain, SenderRewriting
from empath.smtp import Address, Domain

RULES = SenderRewriting(
    {
        SenderDomain.parse("app1.internal"): Domain.parse("example.org"),
        SenderDomain.parse(".internal"): Domain.parse("example.net"),
        SenderDomain.parse(".shop.internal"): Domain.parse("shop.example"),
        SenderDomain.parse("example.net"): Domain.parse("app1.internal"),
    }
)


@pytest.mark.parametrize(
    ("sender", "rewritten"),
    [
        ("cron@app1.internal", "cron@example.org"),
        ("Cron@APP1.Internal", "Cron@example.org"),
        ("cron@app2.internal", "cron@example.net"),
        ("cron@a.b.internal", "cron@example.net"),
        ("cron@a.shop.internal", "cron@shop.example"),
        ("cron@shop.internal", "cron@example.net"),
        ("cron@internal", "cron@internal"),
        ("cron@notinternal", "cron@notinternal"),
        ("cron@example.net", "cron@app1.internal"),
        ("cron@[192.0.2.1]", "cron@[192.0.2.1]"),
        ('"a b"@app1.internal', '"a b"@example.org'),
    ],
)
def test_the_domain_is_rewritten_once_and_the_local_part_never(sender: str, rewritten: str) -> None:
    assert str(RULES.rewritten(Address.parse(sender))) == rewritten


def test_the_null_reverse_path_stays() -> None:
    assert RULES.rewritten(None) is None


def test_without_rules_nothing_changes() -> None:
    sender = Address.parse("cron@app1.internal")
    assert SenderRewriting().rewritten(sender) is sender


@pytest.mark.parametrize("text", ["", ".", "*.internal", "a@b.internal", "[192.0.2.1]"])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        SenderDomain.parse(text)


def test_a_rule_is_shown_as_it_was_written() -> None:
    assert str(SenderDomain.parse(".Internal")) == ".Internal"
    assert SenderDomain.parse(".Internal") == SenderDomain.parse(".internal")
