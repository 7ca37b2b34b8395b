"""Which certificate is shown for which name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.server_name import ServerNames

NAMES = ServerNames(
    [
        ["mx.example.org", "smtp.example.org"],
        ["mx.example.net"],
        ["*.example.net", "example.net"],
        ["MX.Example.Net", "*.example.org"],
    ]
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("mx.example.org", 0),
        ("smtp.example.org", 0),
        ("mx.example.net", 1),
        ("MX.EXAMPLE.NET", 1),
        ("mx.example.net.", 1),
        ("smtp.example.net", 2),
        ("example.net", 2),
        ("imap.example.org", 3),
    ],
)
def test_a_client_gets_the_certificate_for_the_name_it_asks_for(name: str, number: int) -> None:
    assert NAMES.find(name) == number


@pytest.mark.parametrize("name", [None, "", "mx.example.com", "a.b.example.net", "net", "*", "192.0.2.1", "..", "x."])
def test_a_client_that_asks_for_nothing_of_ours_gets_the_default(name: str | None) -> None:
    assert NAMES.find(name) == 0


def test_a_wildcard_needs_a_label() -> None:
    assert ServerNames([["mx.example.org"], ["*.example.net"]]).find("example.net") == 0


@given(st.lists(st.lists(st.text(alphabet="a*.B", max_size=6), max_size=4), min_size=1, max_size=4), st.text())
def test_whatever_is_asked_for_there_is_an_answer(offers: list[list[str]], name: str) -> None:
    assert 0 <= ServerNames(offers).find(name) < len(offers)


@given(st.lists(st.sampled_from(["mx.example.org", "a.example.net", "*.example.com"]), min_size=1, unique=True))
def test_each_plain_name_of_a_certificate_leads_to_it(names: list[str]) -> None:
    found = ServerNames([["default.example"], *([name] for name in names)])
    assert [found.find(name.replace("*", "any")) for name in names] == [number + 1 for number in range(len(names))]
