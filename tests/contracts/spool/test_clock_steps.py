"""The Spool contract: the wall clock is set forward or back by an hour or a day while mail waits, or is attempted.

What the whole daemon makes of it stands in ``tests/sim/test_clock_steps.py``.
"""

import pytest

from empath.mail.delivery import Status
from empath.spool.contract import Finished, Retention, Selector, Spool, Waiting
from tests.contracts.spools import NOW, claim, message, numbers

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
LONGEST_PAUSE_S = 4 * HOUR_S
STEPS = pytest.mark.parametrize("step_s", [HOUR_S, DAY_S, -HOUR_S, -DAY_S])
FAILED = Selector(statuses=frozenset({Status.FAILED}))


async def wait_again(spool: Spool, pause_s: float) -> None:
    """Claim all that is due, and put it off."""
    for one in (await claim(spool)).claims:
        await spool.record([Waiting(key=each.key, next_attempt=NOW + pause_s, attempts=1) for each in one.deliveries])


@STEPS
async def test_what_waits_is_claimed_once_and_at_its_moment_or_soon(spool: Spool, step_s: float) -> None:
    await spool.accept(message(1))
    await wait_again(spool, LONGEST_PAUSE_S)
    now = NOW + step_s
    due_at = NOW + LONGEST_PAUSE_S
    claimed = await claim(spool, now=now, latest=now + LONGEST_PAUSE_S)
    # Later than any pause is long: the clock was set back, so the moment means nothing any more.
    assert numbers(claimed) == ([1] if due_at <= now or due_at > now + LONGEST_PAUSE_S else [])
    assert numbers(await claim(spool, now=now, latest=now + LONGEST_PAUSE_S)) == []
    if not claimed.claims:
        assert numbers(await claim(spool, now=due_at, latest=due_at + LONGEST_PAUSE_S)) == [1]


@STEPS
async def test_what_comes_after_it_is_claimed_at_once_and_what_is_attempted_is_recorded(
    spool: Spool, step_s: float
) -> None:
    await spool.accept(message(1))
    (one,) = (await claim(spool)).claims
    now = NOW + step_s
    await spool.accept(message(2, next_attempt=now))
    claimed = await claim(spool, now=now, latest=now + LONGEST_PAUSE_S)
    assert numbers(claimed) == [2]
    for each in (*one.deliveries, *claimed.claims[0].deliveries):
        await spool.record([Finished(key=each.key)])
    assert (await spool.statistics()).messages == 0


@STEPS
async def test_what_has_failed_is_kept_for_its_time_and_not_for_ever(spool: Spool, step_s: float) -> None:
    await spool.accept(message(1))
    (one,) = (await claim(spool)).claims
    await spool.record([Finished(key=each.key, status=Status.FAILED, at=NOW) for each in one.deliveries])
    now, kept_s = NOW + step_s, 2 * DAY_S
    retention = Retention(failed_s=kept_s, trash_s=kept_s)
    assert await spool.purge(now=now, retention=retention) == 0
    assert len((await spool.find(FAILED, now=now)).rows) == 1
    assert await spool.purge(now=max(now, NOW) + kept_s, retention=retention) == 1
