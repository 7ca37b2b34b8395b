"""What an envelope says beside names: when it may go, until when, for whom, and how it came."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.envelope import Envelope, Recipient, redirected, with_keyword
from empath.smtp import (
    Address,
    ByMode,
    DeliverBy,
    Extensions,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
)
from empath.smtp.params_text import format_params

ANN, SALES = Address.parse("ann@example.net"), Address.parse("Sales@example.org")


def envelope(params: MailParams) -> Envelope:
    return Envelope(reverse_path=None, recipients=(Recipient(ANN),), received=1000.0, params=params)


@pytest.mark.parametrize(
    ("params", "release"),
    [
        (MailParams(), 1000),
        (MailParams(hold_for_s=60), 1060),
        (MailParams(hold_until=datetime(1970, 1, 1, 1, tzinfo=UTC)), 3600),
        (MailParams(hold_until=datetime(1970, 1, 1, tzinfo=UTC)), 1000),
    ],
)
def test_it_is_let_go_when_it_comes_or_when_its_sender_says(params: MailParams, release: float) -> None:
    assert envelope(params).release == release


def test_a_clock_that_was_set_back_keeps_back_only_what_was_kept_back_before() -> None:
    assert not envelope(MailParams()).is_kept_back(0)
    assert not envelope(MailParams()).is_kept_back(1000)
    kept_back = envelope(MailParams(hold_for_s=60))
    assert [kept_back.is_kept_back(now) for now in (0, 1000, 1059, 1060)] == [True, True, True, False]


def test_a_deadline_is_for_those_that_are_to_be_returned() -> None:
    assert envelope(MailParams()).deadline is None
    assert envelope(MailParams(by=DeliverBy(60, ByMode.NOTIFY))).deadline is None
    assert envelope(MailParams(by=DeliverBy(60, ByMode.RETURN))).deadline == 1060


@given(st.integers(-999_999_999, 999_999_999), st.sampled_from(ByMode), st.booleans(), st.floats(0, 4e9))
def test_what_is_left_of_the_time_can_always_be_said(seconds: int, mode: ByMode, trace: bool, now: float) -> None:
    by = DeliverBy(abs(seconds) or 1 if mode is ByMode.RETURN else seconds, mode, trace)
    left = envelope(MailParams(by=by)).deliver_by(now)
    assert left is not None
    assert (left.mode, left.trace) == (mode, trace)
    assert format_params(MailParams(by=left), Extensions.of("DELIVERBY")).startswith(b" BY=")


def test_time_that_goes_by_is_taken_off() -> None:
    assert envelope(MailParams(by=DeliverBy(60, ByMode.RETURN))).deliver_by(1010.5) == DeliverBy(50, ByMode.RETURN)
    assert envelope(MailParams(by=DeliverBy(60, ByMode.NOTIFY))).deliver_by(1090) == DeliverBy(-30, ByMode.NOTIFY)
    assert envelope(MailParams()).deliver_by(1010) is None


def test_who_gets_mail_for_an_alias_inherits_its_wishes_and_its_name() -> None:
    moved = redirected(Recipient(SALES, RcptParams(notify=Notify.NEVER)), ANN)
    assert moved == Recipient(
        ANN, RcptParams(notify=Notify.NEVER, orcpt=OriginalRecipient("rfc822", "Sales@example.org"))
    )


def test_the_name_that_the_sender_gave_first_stays() -> None:
    first = RcptParams(orcpt=OriginalRecipient("rfc822", "first@example.com"))
    assert redirected(Recipient(SALES, first), ANN) == Recipient(ANN, first)


def test_who_is_not_moved_is_left_alone() -> None:
    recipient = Recipient(SALES)
    assert redirected(recipient, Address.parse("Sales@EXAMPLE.org")) is recipient


@pytest.mark.parametrize(
    "address", ["jörg@bücher.example", "+" * 64 + "@" + "a." * 90 + "example", "😀" * 16 + "@" + "ü." * 30 + "example"]
)
def test_whatever_the_alias_is_its_name_fits_into_a_command(address: str) -> None:
    moved = redirected(Recipient(Address.parse(address)), ANN)
    assert format_params(moved.params, Extensions.of("DSN")).startswith(b" ORCPT=")


@pytest.mark.parametrize(
    ("keyword", "facts"),
    [
        ("SMTP", {"esmtp": False}),
        ("ESMTP", {"esmtp": True}),
        ("ESMTPS", {"esmtp": True, "tls": True}),
        ("ESMTPA", {"esmtp": True, "auth": True}),
        ("ESMTPSA", {"esmtp": True, "tls": True, "auth": True}),
        ("LMTP", {"esmtp": False, "lmtp": True}),
        ("LMTPSA", {"esmtp": True, "lmtp": True, "tls": True, "auth": True}),
        ("UTF8SMTP", {"esmtp": True, "utf8": True}),
        ("UTF8SMTPSA", {"esmtp": True, "utf8": True, "tls": True, "auth": True}),
        ("UTF8LMTPS", {"esmtp": True, "lmtp": True, "utf8": True, "tls": True}),
    ],
)
def test_each_way_in_has_its_registered_keyword(keyword: str, facts: dict[str, bool]) -> None:
    assert with_keyword(**facts) == keyword
