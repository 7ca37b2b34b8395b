"""What each TLS policy does."""

from itertools import product

import pytest

from empath.mail import Charge, Kind, TemporaryFailure
from empath.policy.encryption import tls
from empath.policy.encryption.tls import Situation, Step, TlsPolicy, refusal, step
from empath.smtp import Reply

IN_CLEAR = (Step.CLEAR, Step.AGAIN_IN_CLEAR)
CHECKING = (TlsPolicy.VERIFIED, TlsPolicy.DANE)


@pytest.mark.parametrize(("policy", "situation"), list(product(TlsPolicy, Situation)))
def test_every_cell(policy: TlsPolicy, situation: Situation) -> None:
    found = step(policy, situation)
    if situation is Situation.UNTRUSTED:
        assert found is (Step.DEFER if policy in CHECKING else None)
    elif policy is TlsPolicy.DISABLED:
        assert found is (Step.CLEAR if situation in (Situation.OFFERED, Situation.NOT_OFFERED) else None)
    elif situation is Situation.OFFERED:
        assert found is Step.START
    elif policy.mandatory:
        assert found is Step.DEFER
    else:
        assert found is (Step.AGAIN_IN_CLEAR if situation is Situation.HANDSHAKE_FAILED else Step.CLEAR)


@pytest.mark.parametrize("policy", [TlsPolicy.REQUIRED, *CHECKING])
def test_where_tls_is_mandatory_nothing_goes_in_clear(policy: TlsPolicy) -> None:
    assert policy.mandatory
    assert not any(step(policy, situation) in IN_CLEAR for situation in Situation)


def test_opportunistic_tls_never_costs_a_message() -> None:
    assert not any(step(TlsPolicy.OPPORTUNISTIC, situation) is Step.DEFER for situation in Situation)


def test_the_diagram_in_the_docstring_is_the_table() -> None:
    lines = (tls.__doc__ or "").splitlines()
    assert [line for line in tls.diagram().splitlines() if f"    {line}" not in lines] == []


@pytest.mark.parametrize(
    ("situation", "kind", "status"),
    [
        (Situation.NOT_OFFERED, Kind.TLS_UNAVAILABLE, "4.7.4"),
        (Situation.REFUSED, Kind.TLS_UNAVAILABLE, "4.7.4"),
        (Situation.HANDSHAKE_FAILED, Kind.TLS_FAILED, "4.7.5"),
        (Situation.UNTRUSTED, Kind.TLS_UNTRUSTED, "4.7.5"),
    ],
)
def test_a_host_that_is_left_for_its_tls_defers_and_is_to_blame(situation: Situation, kind: Kind, status: str) -> None:
    failure = refusal(situation, host="mx.example.org")
    assert isinstance(failure, TemporaryFailure)
    assert (failure.diagnosis.kind, str(failure.diagnosis.status)) == (kind, status)
    assert failure.diagnosis.kind.charge is Charge.SITE


def test_what_the_host_answered_is_kept() -> None:
    failure = refusal(Situation.REFUSED, host="mx.example.org", reply=Reply(454, "not now", "4.7.0"))
    assert str(failure) == "mx.example.org (starttls): 454 4.7.0 not now"
