"""Which login may use which sender."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.access import Pattern
from empath.policy.reception.logins import SenderLogins, SenderRule, login_name, parse_login
from empath.smtp import Address


def rule(senders: str, logins: str) -> SenderRule:
    return SenderRule(tuple(map(Pattern.parse, senders.split())), frozenset(logins.split()))


RULES = SenderLogins(
    (
        rule("ann@example.org info@example.org", "ann"),
        rule("@sales.example.org", "bob carl"),
        rule("*", "gateway"),
        rule("noreply@example.org", "*"),
    )
)


@pytest.mark.parametrize(
    ("login", "sender"),
    [
        ("ann", "ann@example.org"),
        ("ann", "Ann@EXAMPLE.org"),
        ("ann", "info@example.org"),
        ("ann", '"ann"@example.org'),
        ("bob", "anything@sales.example.org"),
        ("gateway", "whoever@elsewhere.example"),
        ("dora", "noreply@example.org"),
        ("eve@example.net", "Eve@example.net"),
    ],
)
def test_a_login_may_use_what_a_rule_grants_it(login: str, sender: str) -> None:
    assert RULES.allows(login, Address.parse(sender))


@pytest.mark.parametrize(
    ("login", "sender"),
    [
        ("bob", "ann@example.org"),
        ("ann", "ann@sub.example.org"),
        ("ann", "ann@example.org.evil.example"),
        ("ann", "xann@example.org"),
        ("bob", "x@more.sales.example.org"),
        ("ann", "x@sales.example.org"),
        ("ann", "unlisted@example.org"),
        ("eve@example.net", "ann@example.org"),
        ("eve@example.net", "eve@example.org"),
        ("*", "ann@example.org"),
        ("", "ann@example.org"),
    ],
)
def test_a_login_may_use_nothing_else(login: str, sender: str) -> None:
    assert not RULES.allows(login, Address.parse(sender))


@given(st.text(max_size=20))
def test_the_null_reverse_path_is_everybodys(login: str) -> None:
    assert RULES.allows(login, None)


@given(st.text(max_size=20))
def test_without_rules_everything_is_allowed(login: str) -> None:
    assert SenderLogins().allows(login, Address.parse("ann@example.org"))


def test_logins_in_rules_are_compared_in_their_one_spelling() -> None:
    assert SenderLogins((rule("a@example.org", "ANN"),)).allows("ann", Address.parse("a@example.org"))


def test_a_rule_without_senders_grants_nothing() -> None:
    assert not SenderLogins((rule("", "ann"),)).allows("ann", Address.parse("a@example.org"))


@pytest.mark.parametrize("text", ["ann", "ann@example.org", "Ann", "bücher", "a+b_c-d.e"])
def test_a_login_has_one_spelling(text: str) -> None:
    assert parse_login(text) == login_name(text) == parse_login(parse_login(text))
    assert login_name(text.upper()) == login_name(text)


@given(st.text())
def test_the_one_spelling_of_a_spelling_is_itself(text: str) -> None:
    assert login_name(login_name(text)) == login_name(text)


@pytest.mark.parametrize("text", ["", "*", "#ann", "a b", "a:b", "a\tb", "a\n", "a\x1b", "a\u2028b", "x" * 256])
def test_what_cannot_be_a_login_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        parse_login(text)
