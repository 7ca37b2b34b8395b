"""The vocabulary of what happened, and of why something has not happened yet."""

import inspect
from typing import get_args

import attrs
import pytest

from empath.mail import facts
from empath.mail.waiting import Wait, WaitReason

MODULES = ("empath.mail.facts", "empath.mail.operator_facts", "empath.mail.reload_facts", "empath.mail.way_facts")
DEFINED = [value for _, value in inspect.getmembers(facts, inspect.isclass) if value.__module__ in MODULES]


def test_the_union_names_every_fact() -> None:
    assert set(get_args(facts.Fact)) == set(DEFINED)


@pytest.mark.parametrize("kind", DEFINED)
def test_a_fact_cannot_be_changed_and_says_when(kind: type) -> None:
    assert "at" in attrs.fields_dict(kind)
    fact = kind(**dict.fromkeys(attrs.fields_dict(kind)))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        fact.at = 1.0


def test_the_reasons_to_wait_are_a_closed_list() -> None:
    words = (
        "due in_flight retry_backoff scheduled rate_domain rate_global rate_source rate_sender window conn_host"
        " conn_global breaker_open suspended frozen held uncertain tls_policy dns_wait disk_low draining"
    )
    assert [reason.value for reason in WaitReason] == words.split()


def test_a_wait_that_no_clock_ends_has_no_moment() -> None:
    assert Wait(WaitReason.WINDOW).until is None
