"""What EHLO offers: whole words, and what both ends can do."""

import pytest
from hypothesis import given

from empath.smtp import BASIC, EVERYTHING, NO_EXTENSIONS, Extensions, TransactionLimits
from tests.smtp.strategies import extensions


@given(extensions)
def test_extensions_read_as_they_were_written(offered: Extensions) -> None:
    assert Extensions.parse(offered.lines) == offered
    assert Extensions.of(*offered.lines) == offered


def test_a_keyword_counts_as_a_whole_word_only() -> None:
    offered = Extensions.parse(["XSTARTTLS", "STARTTLS-X", "we have STARTTLS", "SIZE1000", "8BITMIME"])
    assert "STARTTLS" not in offered
    assert "SIZE" not in offered
    assert "8BITMIME" in offered


def test_keywords_and_mechanisms_are_read_in_any_case() -> None:
    offered = Extensions.parse(["pipelining", "auth plain Login"])
    assert list(offered) == ["PIPELINING", "AUTH"]
    assert offered.mechanisms == ("PLAIN", "LOGIN")


@pytest.mark.parametrize("line", ["", " SIZE", "-SIZE", "AUTH=PLAIN", "SIZE\t1", "DSN é", "ÀUTH", "SIZE 1\x00"])
def test_a_line_that_breaks_the_grammar_is_passed_over(line: str) -> None:
    assert Extensions.parse([line, "DSN"]) == Extensions.of("DSN")


def test_of_a_keyword_given_twice_the_first_counts() -> None:
    assert Extensions.parse(["SIZE 5", "SIZE 7"]).size == 5


@pytest.mark.parametrize("lines", [("SIZE", "size"), ("AUTH=PLAIN",), ("",)])
def test_a_server_cannot_offer_what_does_not_read_back(lines: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="malformed or repeated"):
        Extensions.of(*lines)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("SIZE 1000", 1000),
        ("SIZE", None),
        ("SIZE 0", None),
        ("SIZE -1", None),
        ("SIZE 1e3", None),
        ("SIZE 99999999999999999999", 99999999999999999999),
        ("SIZE 100000000000000000000", None),
        ("DSN", None),
    ],
)
def test_size_is_a_positive_number_or_no_limit(line: str, size: int | None) -> None:
    assert Extensions.parse([line]).size == size


def test_limits_are_read_by_name_and_nonsense_is_passed_over() -> None:
    offered = Extensions.of("LIMITS RCPTMAX=20 mailmax=5 RCPTDOMAINMAX=0 NEWMAX=7 RCPTMAX")
    assert offered.limits == TransactionLimits(mail_max=5)
    assert Extensions.of("LIMITS RCPTMAX=20 RCPTDOMAINMAX=1000000").limits == TransactionLimits(rcpt_max=20)
    assert NO_EXTENSIONS.limits == TransactionLimits()


@given(extensions, extensions)
def test_in_force_is_what_both_ends_can_do(offered: Extensions, wanted: Extensions) -> None:
    both = offered & wanted
    assert set(both) <= set(offered) & set(wanted)
    assert set(offered) & set(wanted) - set(both) <= {"AUTH"}
    assert set(both.mechanisms) == set(offered.mechanisms) & set(wanted.mechanisms)
    assert all(both.keywords[keyword] == offered.keywords[keyword] for keyword in both if keyword != "AUTH")


def test_auth_without_a_common_mechanism_is_not_in_force() -> None:
    assert "AUTH" not in Extensions.of("AUTH GSSAPI") & EVERYTHING
    assert "AUTH" not in Extensions.of("AUTH") & EVERYTHING
    assert (Extensions.of("AUTH GSSAPI PLAIN") & EVERYTHING).mechanisms == ("PLAIN",)


def test_some_can_be_left_out() -> None:
    assert Extensions.of("SIZE 5", "DSN", "AUTH PLAIN").without("DSN", "AUTH", "HELP") == Extensions.of("SIZE 5")


def test_binary_bodies_are_neither_offered_nor_wanted() -> None:
    assert "BINARYMIME" not in BASIC
    assert "BINARYMIME" not in EVERYTHING
