from collections.abc import Awaitable, Callable

import outcome
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from empath.config.schema import FailMode, HookSettings
from empath.hooks import AddFields, Refuse
from empath.hooks.answers import Answer, as_greeting
from empath.hooks.events import Event
from empath.hooks.guard import FAILED, Guard
from empath.smtp import LocalProtocolError, Reply
from tests.hooks.stage import Ask

NO = Refuse(Reply(550, "no", "5.7.1"))
LEAVES: list[type[BaseException]] = [
    *(ValueError, OSError, RecursionError, MemoryError, AssertionError, StopAsyncIteration, StopIteration),
    *(SystemExit, KeyboardInterrupt, GeneratorExit, trio.ClosedResourceError, trio.TooSlowError),
]


def raised() -> st.SearchStrategy[BaseException]:
    """Exceptions of all sorts, and groups of them in groups."""
    single = st.sampled_from(LEAVES).map(lambda kind: kind("a hook does what it likes"))
    return st.recursive(
        single, lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda all_: BaseExceptionGroup("many", all_))
    )


@given(raised())
def test_whatever_a_hook_raises_is_its_failure(problem: BaseException) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise problem

    async def ask() -> list[Answer]:
        return [await Ask(fail).call(fail_mode=mode).ask({}) for mode in (FailMode.OPEN, FailMode.CLOSED)]

    assert trio.run(ask) == [None, FAILED]


async def test_an_exception_that_cannot_even_be_told_is_a_failure_too() -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise SystemExit

        __repr__ = __str__

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise Unspeakable

    assert await Ask(fail).call(fail_mode=FailMode.CLOSED).ask({}) == FAILED


@given(st.one_of(st.integers(), st.text(), st.binary(), st.just(Reply(250, "OK")), st.just(NotImplemented)))
def test_whatever_a_hook_returns_that_is_no_answer_is_its_failure(garbage: object) -> None:
    async def answer() -> object:
        await trio.lowlevel.checkpoint()
        return garbage

    assert trio.run(Ask(answer).call(fail_mode=FailMode.CLOSED).ask, {}) == FAILED


async def test_a_hook_that_cannot_be_awaited_has_failed() -> None:
    def plain() -> int:
        return 7

    assert await Ask(plain).call().ask({}) is None  # type: ignore[arg-type]  # that is the point


async def test_fields_are_an_answer_to_a_message_only() -> None:
    fields = AddFields([("X-Checked", "yes")])

    async def answer() -> Answer:
        await trio.lowlevel.checkpoint()
        return fields

    assert await Ask(answer).call(Event.MESSAGE).ask({}) == fields
    assert await Ask(answer).call(Event.MAIL, fail_mode=FailMode.CLOSED).ask({}) == FAILED


@pytest.mark.parametrize(("mode", "expected"), [(FailMode.OPEN, None), (FailMode.CLOSED, FAILED)])
async def test_a_hook_that_hangs_is_left_at_its_deadline(
    mode: FailMode, expected: Answer, autojump_clock: MockClock
) -> None:
    assert await Ask(trio.sleep_forever).call(fail_mode=mode, deadline_s=3).ask({}) == expected
    assert trio.current_time() == 3


async def swallow() -> Answer:
    await outcome.acapture(trio.sleep_forever)
    return NO


async def turn_into_a_group() -> Answer:
    cancelled = await outcome.acapture(trio.sleep_forever)
    assert isinstance(cancelled, outcome.Error)
    raise BaseExceptionGroup("both", [cancelled.error, ValueError()])


async def fail_while_cleaning_up() -> Answer:
    try:
        await trio.sleep_forever()
    finally:
        raise ValueError


each_bad_loser = pytest.mark.parametrize("hook", [swallow, turn_into_a_group, fail_while_cleaning_up])


@each_bad_loser
async def test_a_hook_that_makes_something_else_of_its_deadline_has_failed(
    autojump_clock: MockClock, hook: Callable[[], Awaitable[Answer]]
) -> None:
    assert await Ask(hook).call().ask({}) is None


@each_bad_loser
async def test_the_end_of_the_session_goes_through_a_hook(
    autojump_clock: MockClock, hook: Callable[[], Awaitable[Answer]]
) -> None:
    with trio.move_on_after(1) as session:
        await Ask(hook).call(deadline_s=10).ask({})
    assert session.cancelled_caught


async def test_no_more_calls_run_at_once_than_may(autojump_clock: MockClock) -> None:
    running, most = 0, 0

    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(1)
        running -= 1

    guard = Guard.of(HookSettings(max_concurrent=2))
    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(Ask(slow).call(guard=guard).ask, {})
    assert (most, trio.current_time()) == (2, 3)


async def test_waiting_for_a_place_counts_as_time_of_the_call(autojump_clock: MockClock) -> None:
    guard = Guard.of(HookSettings(deadline_s=2, fail_mode=FailMode.CLOSED, max_concurrent=1))
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await Ask(trio.sleep_forever).call(guard=guard).ask({}))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert (answers, trio.current_time()) == ([FAILED] * 3, 2)


async def test_a_hook_that_hangs_again_and_again_is_left_alone_for_a_while(autojump_clock: MockClock) -> None:
    """Or it would cost its deadline for each of a thousand recipients."""
    calls = 0

    async def recover_after_a_minute() -> Answer:
        nonlocal calls
        calls += 1
        await trio.sleep(1000 if trio.current_time() < 60 else 0)
        return NO

    guard = Guard.of(HookSettings(deadline_s=2, failure_threshold=3, pause_s=20))
    call = Ask(recover_after_a_minute).call(guard=guard)
    assert [await call.ask({}) for _ in range(1000)] == [None] * 1000
    assert (calls, trio.current_time()) == (3, 6)
    await trio.sleep(20)
    assert [await call.ask({}) for _ in range(1000)] == [None] * 1000
    assert (calls, trio.current_time()) == (4, 28)
    await trio.sleep(60)
    assert [await call.ask({}) for _ in range(3)] == [NO] * 3


async def test_nobody_can_switch_a_hook_off_with_mail_that_it_chokes_on(autojump_clock: MockClock) -> None:
    calls = 0

    async def choke() -> None:
        nonlocal calls
        calls += 1
        await trio.lowlevel.checkpoint()
        raise ValueError

    call = Ask(choke).call()
    for _ in range(100):
        await call.ask({})
    assert calls == 100


async def test_a_call_that_its_session_gave_up_says_nothing_about_the_hook(autojump_clock: MockClock) -> None:
    call = Ask(trio.sleep_forever).call(guard=Guard.of(HookSettings(failure_threshold=1, pause_s=100, deadline_s=5)))
    await call.ask({})
    await trio.sleep(100)
    for _ in range(3):
        with trio.move_on_after(1) as session:
            await call.ask({})
        assert session.cancelled_caught  # it was asked, as the one probe that there may be at a time


async def test_failures_are_logged_no_more_than_once_a_second(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError

    call = Ask(fail).call()
    for _ in range(30):
        await call.ask({})
        await trio.sleep(0.1)
    assert len(caplog.records) == 3


async def test_a_hook_that_holds_on_is_found_out(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async def shielded() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(30)

    assert await Ask(shielded).call(deadline_s=3, fail_mode=FailMode.CLOSED).ask({}) == FAILED
    assert "hook under test was late by 27.0 s at on_message" in caplog.text


async def test_a_hook_that_blocks_is_found_out(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async def block() -> Answer:  # noqa: ASYNC124  it awaits nothing, which is what is wrong with it
        autojump_clock.jump(10)  # what the clock does while somebody computes
        return NO

    assert await Ask(block).call(deadline_s=3).ask({}) == NO
    assert "late by 7.0 s at on_message session=-: it computes without awaiting" in caplog.text


async def test_what_a_stranger_wrote_is_logged_short_and_escaped(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("\r\nforged line " + "x" * 10_000)

    await Ask(fail).call().ask({})
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 500


@pytest.mark.parametrize("reply", [Reply(250, "OK"), Reply(354, "go on"), Reply(550, "no", "4.7.1"), Reply(599, "no")])
def test_a_refusal_refuses(reply: Reply) -> None:
    with pytest.raises(ValueError, match=r"refuses nothing|contradicts"):
        Refuse(reply)


def test_a_refusal_can_be_sent() -> None:
    with pytest.raises(LocalProtocolError):
        Refuse(Reply(550, "no\r\n250 yes"))


def test_fields_have_a_bound() -> None:
    with pytest.raises(ValueError, match="more than"):
        AddFields([("X", "y" * 900)] * 40)


@pytest.mark.parametrize(("code", "greeting"), [(421, 421), (451, 421), (550, 554), (554, 554)])
def test_a_greeting_refuses_with_the_codes_there_are(code: int, greeting: int) -> None:
    assert as_greeting(Reply(code, "no")) == Reply(greeting, "no")
