"""What clients may ask for, and what comes of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.wishes import granted, offers, refusal
from empath.smtp import Body, ByMode, DeliverBy, Extensions, MailParams
from empath.smtp.params_text import parse_mail_params

NOW = 1_900_000_000.5
DAY = 86_400.0
UNTIL = datetime.fromtimestamp(NOW, UTC)


def code(params: MailParams, *, trusted: bool = True, max_hold_s: float = DAY) -> str | None:
    reply = refusal(params, trusted=trusted, now=NOW, max_hold_s=max_hold_s)
    return None if reply is None else f"{reply.code} {reply.enhanced}"


def test_what_is_offered_is_understood() -> None:
    offered = Extensions.of(*offers(now=NOW, max_hold_s=DAY))
    assert set(offered) == {"MT-PRIORITY", "DELIVERBY", "REQUIRETLS", "FUTURERELEASE"}
    assert offered.keywords["FUTURERELEASE"] == ("86400", "2030-03-18T17:46:40Z")
    text = b"MT-PRIORITY=3 BY=600;R REQUIRETLS HOLDUNTIL=2030-03-18T17:46:40Z"
    assert code(parse_mail_params(text, offered)) == "501 5.5.4"  # by then BY would be over
    assert code(parse_mail_params(b"HOLDUNTIL=2030-03-18T17:46:40Z", offered)) is None


def test_nothing_is_said_of_holding_back_where_it_is_switched_off() -> None:
    assert "FUTURERELEASE" not in Extensions.of(*offers(now=NOW, max_hold_s=0))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (MailParams(hold_for_s=86_400), None),
        (MailParams(hold_for_s=86_401), "501 5.5.4"),
        (MailParams(hold_for_s=0), None),
        (MailParams(hold_until=UNTIL + timedelta(days=1)), None),
        (MailParams(hold_until=UNTIL + timedelta(days=1, seconds=1)), "501 5.5.4"),
        (MailParams(hold_until=UNTIL - timedelta(seconds=1)), "501 5.5.4"),
        (MailParams(hold_for_s=60, by=DeliverBy(60, ByMode.RETURN)), "501 5.5.4"),
        (MailParams(hold_for_s=60, by=DeliverBy(61, ByMode.RETURN)), None),
        (MailParams(hold_for_s=60, by=DeliverBy(-5, ByMode.NOTIFY)), None),
        (MailParams(by=DeliverBy(1, ByMode.RETURN), requiretls=True, mt_priority=9), None),
    ],
)
def test_mail_is_kept_back_within_what_was_announced(params: MailParams, expected: str | None) -> None:
    assert code(params) == expected


def test_strangers_cannot_have_mail_kept_back_and_may_ask_for_all_else() -> None:
    assert code(MailParams(hold_for_s=1), trusted=False) == "550 5.7.1"
    assert code(MailParams(by=DeliverBy(1, ByMode.RETURN), requiretls=True, mt_priority=9), trusted=False) is None


PARAMS = st.builds(
    MailParams,
    size=st.none() | st.just(7),
    body=st.none() | st.just(Body.EIGHT_BIT),
    mt_priority=st.none() | st.integers(-9, 9),
)


@given(PARAMS)
def test_a_stranger_gets_no_priority_above_others_and_a_known_client_what_it_asks_for(params: MailParams) -> None:
    assert granted(params, trusted=True) is params
    lowered = granted(params, trusted=False)
    if params.mt_priority is None or params.mt_priority <= 0:
        assert lowered is params
    else:
        assert lowered.mt_priority == 0
        assert (lowered.size, lowered.body) == (params.size, params.body)
