"""Allow and deny lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.access import AccessList, Pattern
from empath.policy.reception.mailbox import mailbox_of
from empath.smtp import Address

PATTERNS = st.sampled_from(
    [
        "*",
        ".example",
        ".example.org",
        ".a.example.org",
        "example.org",
        "@a.example.org",
        "ann@example.org",
        "bob@[192.0.2.1]",
    ]
)
ADDRESSES = st.sampled_from(
    [
        "ann@example.org",
        '"ANN"@Example.Org',
        "bob@example.org",
        "x@a.example.org",
        "x@b.a.example.org",
        "bob@[192.0.2.1]",
    ]
).map(Address.parse)


def lists(allow: str = "", deny: str = "") -> AccessList:
    return AccessList(*(tuple(map(Pattern.parse, text.split())) for text in (allow, deny)))


def permits(allow: str, deny: str, address: str) -> bool:
    return lists(allow, deny).permits(Address.parse(address))


def test_without_lists_everybody_is_let_through() -> None:
    assert permits("", "", "ann@example.org")


def test_a_deny_list_refuses_what_is_on_it_and_nothing_else() -> None:
    assert not permits("", "ann@example.org", "ann@example.org")
    assert permits("", "ann@example.org", "bob@example.org")


def test_an_allow_list_lets_through_what_is_on_it_and_nothing_else() -> None:
    assert permits("@example.org", "", "ann@example.org")
    assert not permits("@example.org", "", "ann@example.net")


@pytest.mark.parametrize(
    ("allow", "deny", "address", "through"),
    [
        ("ann@example.org", "@example.org", "ann@example.org", True),
        ("ann@example.org", "@example.org", "bob@example.org", False),
        ("@a.example.org", ".example.org", "x@a.example.org", True),
        (".a.example.org", ".example.org", "x@b.a.example.org", True),
        (".example.org", ".a.example.org", "x@b.a.example.org", False),
        ("@example.org", "*", "ann@example.org", True),
        ("@example.org", "*", "ann@example.net", False),
        ("ann@example.org *", "@example.org", "bob@example.net", True),
        ("ann@example.org", "ann@example.org", "ann@example.org", False),
    ],
)
def test_the_most_specific_pattern_decides_and_of_equals_the_one_that_refuses(
    allow: str, deny: str, address: str, through: bool
) -> None:
    assert permits(allow, deny, address) is through


@pytest.mark.parametrize("address", ["ANN@example.org", '"ann"@EXAMPLE.org', r'"a\nn"@example.org'])
def test_neither_case_nor_quotes_get_anybody_around_a_list(address: str) -> None:
    assert not permits("", "ann@example.org", address)


@pytest.mark.parametrize(
    "address", ["J\u00dcRG@example.org", "ju\u0308rg@example.org", "JU\u0308RG@example.org", '"j\u00fcrg"@example.org']
)
def test_no_other_spelling_of_a_letter_outside_ascii_gets_anybody_around_a_list(address: str) -> None:
    assert not permits("", "j\u00fcrg@example.org", address)
    assert not permits("", address, "j\u00fcrg@example.org")


@pytest.mark.parametrize("address", ["x@bücher.example", "x@xn--BCHER-kva.example"])
def test_a_domain_is_listed_in_all_its_spellings(address: str) -> None:
    assert not permits("", "bücher.example", address)
    assert not permits("", "xn--bcher-kva.example", address)


def test_subdomains_do_not_include_the_domain_nor_the_domain_its_subdomains() -> None:
    assert permits("", ".example.org", "x@example.org")
    assert permits("", "@example.org", "x@a.example.org")
    assert permits("", ".example.org", "x@notexample.org")


def test_an_address_literal_can_be_listed() -> None:
    assert not permits("", "@[192.0.2.1]", "x@[192.0.2.1]")
    assert not permits("", "x@[IPv6:2001:db8::1]", "x@[IPv6:2001:DB8:0::1]")


@given(st.lists(PATTERNS), st.lists(PATTERNS))
def test_the_null_reverse_path_is_let_through_by_every_list(allow: list[str], deny: list[str]) -> None:
    assert lists(" ".join(allow), " ".join(deny)).permits(None)


@given(ADDRESSES, st.lists(PATTERNS), st.lists(PATTERNS))
def test_the_order_of_entries_means_nothing(address: Address, allow: list[str], deny: list[str]) -> None:
    before = lists(" ".join(allow), " ".join(deny)).permits(address)
    assert lists(" ".join(reversed(allow)), " ".join(reversed(deny))).permits(address) is before


@given(ADDRESSES, ADDRESSES, st.lists(PATTERNS), st.lists(PATTERNS))
def test_one_mailbox_has_one_verdict(one: Address, other: Address, allow: list[str], deny: list[str]) -> None:
    both = lists(" ".join(allow), " ".join(deny))
    if mailbox_of(one) == mailbox_of(other):
        assert both.permits(one) is both.permits(other)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "null reverse-path"),
        ("<>", "null reverse-path"),
        ("ann@", "the domain is missing"),
        ("@", "a domain is made of"),
        ("*@example.org.", "dot"),
        ("@.example.org", "no empty labels"),
        ("*.example.org", "a domain is made of"),
        ("a b@example.org", "quoted"),
        (".", "a domain is made of"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Pattern.parse(text)


def test_a_pattern_is_shown_as_it_was_written_and_compared_by_what_it_means() -> None:
    assert str(Pattern.parse("Ann@Example.org")) == "Ann@Example.org"
    assert Pattern.parse("Ann@Example.org") == Pattern.parse('"ann"@example.org')
    assert Pattern.parse("@example.org") == Pattern.parse("Example.org")
