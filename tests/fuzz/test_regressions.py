"""What the fuzz targets have found in empath.smtp: the input lies in the corpus, the broken promise stands here."""

from datetime import UTC, datetime

import pytest

from empath.smtp import EVERYTHING, LocalProtocolError, MailParams, RemoteProtocolError
from empath.smtp.params_text import format_params, parse_mail_params, parse_rcpt_params


def test_an_orcpt_is_refused_if_it_could_not_be_passed_on_to_a_host_without_smtputf8() -> None:
    with pytest.raises(RemoteProtocolError, match="ORCPT is malformed"):
        parse_rcpt_params(" ORCPT=utf-8;{}@example.org".format("ü" * 100).encode(), EVERYTHING)


@pytest.mark.parametrize(
    "moment", ["2030-W01-1T03Z", "2030-01-02T03:04:05+01:30:15", "2030-01-02T03Z", "2030-01-02T03:04:05,5Z"]
)
def test_holduntil_has_the_form_of_rfc_3339_and_no_other_that_python_reads(moment: str) -> None:
    with pytest.raises(RemoteProtocolError, match="HOLDUNTIL is malformed"):
        parse_mail_params(f" HOLDUNTIL={moment}".encode(), EVERYTHING)


def test_holduntil_may_be_said_in_lower_case() -> None:
    params = parse_mail_params(b" HOLDUNTIL=2030-01-02t03:04:05z", EVERYTHING)
    assert params.hold_until == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_holduntil_is_written_in_utc() -> None:
    params = parse_mail_params(b" HOLDUNTIL=2030-01-02T03:04:05+01:30", EVERYTHING)
    assert format_params(params, EVERYTHING) == b" HOLDUNTIL=2030-01-02T01:34:05Z"


def test_holduntil_beyond_the_calendar_in_utc_is_malformed() -> None:
    with pytest.raises(RemoteProtocolError, match="HOLDUNTIL is malformed"):
        parse_mail_params(b" HOLDUNTIL=0001-01-01T00:00:00+23:00", EVERYTHING)


def test_holduntil_without_a_time_zone_is_not_written() -> None:
    with pytest.raises(LocalProtocolError, match="HOLDUNTIL cannot be sent"):
        format_params(MailParams(hold_until=datetime(2030, 1, 2)), EVERYTHING)


def test_the_seconds_of_by_may_have_a_plus() -> None:
    assert parse_mail_params(b" BY=+120;R", EVERYTHING) == parse_mail_params(b" BY=120;R", EVERYTHING)
