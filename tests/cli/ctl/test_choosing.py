"""What chooses mail on a command line never means more than it says."""

import os

import pytest

from empath.cli.complaint import Complaint
from empath.cli.ctl.choosing import Filters, confirm, selector_of


def test_options_that_are_not_given_choose_nothing() -> None:
    assert selector_of({"domain": (), "sender": None, "status": ()}) == {}


def test_what_is_given_is_what_the_api_gets() -> None:
    chosen: dict[str, Filters] = {"domain": ("a.example", "b.example"), "sender": "<>", "older_than": "2h"}
    assert selector_of(chosen, ("6911c5b5-2a",)) == {
        "id": ["6911c5b5-2a"],
        "domain": ["a.example", "b.example"],
        "sender": "",
        "older_than": "2h",
    }


def test_where_nobody_can_confirm_it_nothing_is_done() -> None:
    with pytest.raises(Complaint) as raised:
        confirm("delete 3 deliveries", 3)
    assert raised.value.status == os.EX_USAGE


@pytest.mark.parametrize(
    ("typed", "goes_on"), [("3511", True), ("3 511", True), ("", False), ("y", False), ("351", False)]
)
def test_the_very_number_has_to_be_typed(typed: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    if goes_on:
        confirm("delete 3 511 deliveries", 3511)
    else:
        with pytest.raises(Complaint):
            confirm("delete 3 511 deliveries", 3511)
