from itertools import product

import pytest
import trio
from trio.testing import MockClock

from empath.app import Shutdown, Stage, shutdown
from empath.app.shutdown import TABLE, Push, diagram

EXPECTED = {
    (Stage.RUNNING, Push.ASKED): Stage.DRAINING,
    (Stage.RUNNING, Push.EXPIRED): None,
    (Stage.DRAINING, Push.ASKED): Stage.CUT,
    (Stage.DRAINING, Push.EXPIRED): Stage.CUT,
    (Stage.CUT, Push.ASKED): Stage.CUT,
    (Stage.CUT, Push.EXPIRED): Stage.CUT,
}


@pytest.mark.parametrize(("stage", "push"), list(product(Stage, Push)))
def test_every_stage_has_one_answer_to_every_push(stage: Stage, push: Push) -> None:
    assert TABLE.get((stage, push)) is EXPECTED[stage, push]


def test_the_diagram_stands_in_the_docstring() -> None:
    indented = "\n".join("    " + line for line in diagram().splitlines())
    assert shutdown.__doc__ is not None
    assert indented in shutdown.__doc__


async def test_intake_ends_at_once_and_work_when_the_grace_is_over(autojump_clock: MockClock) -> None:
    switch = Shutdown(30)
    with switch.drain:
        with switch.intake:
            assert switch.stage is Stage.RUNNING
            switch.ask()
            await trio.sleep_forever()
        assert trio.current_time() == 0
        assert switch.stage is Stage.DRAINING
        await trio.sleep_forever()
    assert trio.current_time() == 30
    assert switch.stage is Stage.CUT


async def test_asking_twice_ends_work_now(autojump_clock: MockClock) -> None:
    switch = Shutdown(30)
    with switch.drain:
        switch.ask()
        await trio.sleep(1)
        switch.ask()
        await trio.sleep_forever()
    assert trio.current_time() == 1
    assert switch.stage is Stage.CUT


async def test_a_shield_holds_against_every_scope_but_the_last_moment(autojump_clock: MockClock) -> None:
    switch = Shutdown(30)
    with switch.drain, trio.move_on_after(10), trio.CancelScope() as scope, switch.shield(scope):
        switch.ask()
        await trio.sleep(100)
    assert scope.cancelled_caught
    assert trio.current_time() == 30


async def test_a_shield_leaves_a_scope_its_own_deadline(autojump_clock: MockClock) -> None:
    switch = Shutdown(30)
    with trio.move_on_after(20) as scope, switch.shield(scope):
        switch.ask()
        await trio.sleep(100)
    assert scope.cancelled_caught
    assert trio.current_time() == 20


async def test_a_shield_is_none_once_work_is_cut(autojump_clock: MockClock) -> None:
    switch = Shutdown(30)
    switch.ask()
    switch.ask()
    with trio.CancelScope() as scope, switch.shield(scope):
        await trio.sleep(100)
    assert scope.cancelled_caught
    assert trio.current_time() == 0


async def test_asking_often_never_moves_the_last_moment_away(autojump_clock: MockClock) -> None:
    switch = Shutdown(30)
    switch.ask()
    await trio.sleep(40)
    assert switch.stage is Stage.CUT
    switch.ask()
    assert switch.drain.deadline == 30
