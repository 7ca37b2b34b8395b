"""Failed logins are counted, right ones are not, and what is over the limit is not judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.bucket import TokenBucket
from empath.policy.quota import Quota
from empath.policy.reception.guesses import Guesses

HOUR_S = 3600.0


def guesses(per_client: int = 3, per_login: int = 5, *, keys: int = 100) -> Guesses:
    return Guesses(Quota(per_client / HOUR_S, per_client, keys), Quota(per_login / HOUR_S, per_login, keys))


def test_a_client_that_has_guessed_too_often_is_not_judged_whomever_it_names() -> None:
    counted = guesses()
    assert [counted.count("192.0.2.1", f"user{number}", 0.0) for number in range(4)] == [True, True, True, False]
    assert counted.count("192.0.2.2", "user9", 0.0)


def test_a_login_that_was_guessed_at_too_often_is_not_judged_wherever_the_guess_comes_from() -> None:
    counted = guesses()
    assert [counted.count(f"192.0.2.{number}", "ann", 0.0) for number in range(6)] == [True] * 5 + [False]
    assert counted.count("192.0.2.9", "bob", 0.0)


def test_guesses_that_are_not_judged_yet_count_already() -> None:
    counted = guesses(per_client=3)
    assert [counted.count("192.0.2.1", "ann", 0.0) for _ in range(10)].count(True) == 3


@given(st.lists(st.sampled_from(["ann", "bob"]), max_size=50))
def test_right_logins_never_lock_anybody_out(logins: list[str]) -> None:
    counted = guesses(per_client=1, per_login=1)
    for login in logins:
        assert counted.count("192.0.2.1", login, 0.0)
        counted.forgive("192.0.2.1", login)


def test_time_forgives() -> None:
    counted = guesses(per_client=3)
    for _ in range(3):
        counted.count("192.0.2.1", "ann", 0.0)
    assert not counted.count("192.0.2.1", "ann", HOUR_S / 3 - 1)
    assert counted.count("192.0.2.1", "ann", HOUR_S / 3 + 1)


def test_forgiving_somebody_who_was_forgotten_is_nothing() -> None:
    guesses().forgive("192.0.2.1", "ann")


@given(st.lists(st.booleans(), max_size=30))
def test_a_token_that_was_given_back_can_be_taken_again(kept: list[bool]) -> None:
    bucket, fresh = TokenBucket(1.0, 10), TokenBucket(1.0, 10)
    for keep in kept:
        if bucket.take(0.0):
            if keep:
                fresh.take(0.0)
            else:
                bucket.give_back()
    assert bucket.ready_at == pytest.approx(fresh.ready_at) or not any(kept)
