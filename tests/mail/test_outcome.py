"""What an attempt leaves behind."""

from typing import assert_never

import pytest

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import PermanentFailure, TemporaryFailure, failure_of
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome, outcome_of
from empath.smtp import Reply


@pytest.mark.parametrize("kind", Kind)
def test_permanent_failures_bounce_and_temporary_ones_defer(kind: Kind) -> None:
    """Defect 3 of the ancestor: its permanent failures were tried again until the attempts were used up."""
    failure = failure_of(Diagnosis(kind=kind, phase=Phase.RCPT))
    assert isinstance(failure, PermanentFailure if kind.permanent else TemporaryFailure)
    assert outcome_of(failure) == (Bounced if kind.permanent else Deferred)(failure.diagnosis)


def test_three_outcomes_are_all_there_are() -> None:
    diagnosis = Diagnosis(kind=Kind.BUSY, phase=Phase.GREETING)
    every: list[Outcome] = [Delivered(Reply(250, "ok"), "mx"), Deferred(diagnosis), Bounced(diagnosis)]
    assert [word(outcome) for outcome in every] == ["delivered", "deferred", "bounced"]


def word(outcome: Outcome) -> str:
    match outcome:
        case Delivered():
            return "delivered"
        case Deferred():
            return "deferred"
        case Bounced():
            return "bounced"
        case _:
            assert_never(outcome)
