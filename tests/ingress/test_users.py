"""Those who can log in: their file, and the judgement on a password."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import TypeVar

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from empath.config.schema import AuthSettings
from empath.config.units import Period, Rate
from empath.ingress.logins import scram
from empath.ingress.logins.credentials import PasswordHash, ScramKeys
from empath.ingress.logins.users import Judgement, Users, UsersUnusable, make_users
from empath.policy.quota import Quota
from empath.policy.reception.guesses import Guesses
from empath.policy.reception.prefix import Prefixes
from empath.sim import SimulatedWorld

FILE = PurePath("/users")
HERE = "192.0.2.1"
T = TypeVar("T")


def line(login: str, password: str) -> bytes:
    return f"{login}:{PasswordHash.make(password, login.encode().ljust(16)).text}\n".encode()


def scram_line(login: str, password: str) -> bytes:
    return f"{login}:{ScramKeys.make(password, login.encode().ljust(16)).text}\n".encode()


ANN, BOB = line("ann", "secret"), line("bob", "other")


@define(eq=False)
class CountingOffload:
    """Counts what is run, and can be made slow."""

    latency_s: float = 0.0
    runs: int = field(init=False, default=0)
    branches: dict[str, int] = field(init=False, factory=dict)

    async def run(self, function: Callable[[], T]) -> T:
        self.runs += 1
        await trio.sleep(self.latency_s)
        return function()

    def own(self, name: str, *, threads: int) -> "CountingOffload":
        self.branches[name] = threads
        return self


@define(eq=False)
class Stage:
    world: SimulatedWorld
    users: Users
    offload: CountingOffload

    async def write(self, content: bytes) -> None:
        await self.world.world.disk.write(FILE, [content])

    async def judge(self, login: str, password: str, client_ip: str = HERE) -> Judgement:
        return await self.users.judge_password(login, password, client_ip)


@asynccontextmanager
async def stage(content: bytes | None = ANN + BOB, settings: AuthSettings | None = None) -> AsyncIterator[Stage]:
    world, offload = SimulatedWorld(seed=1), CountingOffload()
    settings = settings or AuthSettings()
    guesses = Guesses(
        Quota(settings.failures_per_client.per_second, settings.failures_per_client.count, settings.max_tracked),
        Quota(settings.failures_per_user.per_second, settings.failures_per_user.count, settings.max_tracked),
    )
    users = Users(FILE, settings, world.world.disk, offload, guesses, Prefixes(), world.entropy.token(32))
    if content is not None:
        await world.world.disk.write(FILE, [content])
    await users.load()
    offload.runs = 0
    yield Stage(world, users, offload)


async def test_the_password_of_a_user_is_right_and_all_else_is_wrong(autojump_clock: MockClock) -> None:
    async with stage() as place:
        assert await place.judge("ann", "secret") is Judgement.RIGHT
        assert await place.judge("ANN", "secret") is Judgement.RIGHT
        assert await place.judge("ann", "other") is Judgement.WRONG
        assert await place.judge("bob", "secret") is Judgement.WRONG
        assert await place.judge("eve", "secret") is Judgement.WRONG
        assert await place.judge("", "") is Judgement.WRONG


async def test_a_login_that_does_not_exist_is_hashed_as_often_as_one_that_does(autojump_clock: MockClock) -> None:
    async with stage() as place:
        await place.judge("ann", "wrong")
        assert place.offload.runs == 1
        await place.judge("nobody", "wrong")
        assert place.offload.runs == 2


async def test_a_right_password_is_remembered_for_a_while_and_a_wrong_one_is_not(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(cache_time_s=60)) as place:
        for _ in range(3):
            assert await place.judge("ann", "secret") is Judgement.RIGHT
        assert place.offload.runs == 1
        for _ in range(3):
            assert await place.judge("ann", "wrong") is Judgement.WRONG
        assert place.offload.runs == 4
        await trio.sleep(61)
        assert await place.judge("ann", "secret") is Judgement.RIGHT
        assert place.offload.runs == 5


async def test_the_memory_of_passwords_has_a_bound_and_holds_no_password(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(cache_size=1)) as place:
        for login, password in (("ann", "secret"), ("bob", "other"), ("bob", "other"), ("ann", "secret")):
            assert await place.judge(login, password) is Judgement.RIGHT
        assert place.offload.runs == 3
        assert "secret" not in repr(place.users)


async def test_without_a_memory_every_password_is_hashed(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(cache_size=0)) as place:
        for _ in range(2):
            assert await place.judge("ann", "secret") is Judgement.RIGHT
        assert place.offload.runs == 2


async def test_a_changed_file_is_seen_and_a_changed_password_outlives_no_memory(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(refresh_s=5)) as place:
        assert await place.judge("ann", "secret") is Judgement.RIGHT
        async with trio.open_nursery() as nursery:
            nursery.start_soon(place.users.watch)
            await trio.sleep(11)
            await place.write(line("ann", "changed"))
            assert await place.judge("ann", "secret") is Judgement.RIGHT
            await trio.sleep(6)
            nursery.cancel_scope.cancel()
        assert await place.judge("ann", "secret") is Judgement.WRONG
        assert await place.judge("ann", "changed") is Judgement.RIGHT
        assert await place.judge("bob", "other") is Judgement.WRONG


@pytest.mark.parametrize("content", [b"nonsense", b"ann:hunter2\n", BOB + b"\xff", None])
async def test_a_bad_file_changes_nothing_and_is_logged(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    async with stage(settings=AuthSettings(cache_size=0)) as place:
        if content is None:
            await place.world.world.disk.unlink(FILE)
        else:
            await place.write(content)
        with caplog.at_level(logging.ERROR):
            await place.users.refresh()
            await place.users.refresh()
        assert await place.judge("ann", "secret") is Judgement.RIGHT
        assert "/users" in caplog.text
        assert caplog.text.count("the users known so far stay as they are") == 1
        assert "hunter2" not in caplog.text
        await place.write(BOB)
        await place.users.refresh()
        assert await place.judge("ann", "secret") is Judgement.WRONG


async def test_a_file_that_is_not_there_yet_has_no_users_until_it_is(autojump_clock: MockClock) -> None:
    async with stage(None) as place:
        assert await place.judge("ann", "secret") is Judgement.WRONG
        await place.users.refresh()
        await place.write(ANN)
        await place.users.refresh()
        assert await place.judge("ann", "secret") is Judgement.RIGHT


async def test_a_bad_file_at_the_start_is_an_error(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(seed=1)
    await world.world.disk.write(FILE, [b"ann"])
    users = make_users(world.world, FILE, AuthSettings(), Prefixes())
    with pytest.raises(UsersUnusable, match="/users, line 1: there is no colon"):
        await users.load()


async def test_a_file_that_is_too_large_is_an_error(autojump_clock: MockClock) -> None:
    with pytest.raises(UsersUnusable, match="larger than"):
        async with stage(b"#" * (16 * 1024 * 1024 + 1)):
            pass


async def test_too_many_passwords_at_once_are_put_off_and_not_counted_as_guesses(autojump_clock: MockClock) -> None:
    rate = Rate(3, Period.HOUR)
    settings = AuthSettings(max_waiting=2, cache_size=0, failures_per_client=rate, failures_per_user=rate)
    async with stage(settings=settings) as place:
        place.offload.latency_s = 1
        judgements: list[Judgement] = []

        async def judge() -> None:
            judgements.append(await place.judge("ann", "secret"))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(judge)
        assert sorted(judgement.name for judgement in judgements) == ["BUSY", "RIGHT", "RIGHT"]
        for _ in range(3):
            assert await place.judge("ann", "secret") is Judgement.RIGHT


async def test_a_client_that_has_guessed_too_often_is_not_judged_even_if_right(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(failures_per_client=Rate(2, Period.HOUR))) as place:
        assert await place.judge("ann", "secret") is Judgement.RIGHT
        for _ in range(2):
            assert await place.judge("eve", "x") is Judgement.WRONG
        runs = place.offload.runs
        assert await place.judge("ann", "secret") is Judgement.TOO_MANY
        assert place.offload.runs == runs
        assert await place.judge("ann", "secret", "192.0.2.9") is Judgement.RIGHT
        await trio.sleep(1900)
        assert await place.judge("ann", "secret") is Judgement.RIGHT


async def test_neighbours_within_ipv6_are_one_client(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(failures_per_client=Rate(2, Period.HOUR))) as place:
        for number in range(2):
            assert await place.judge(f"eve{number}", "x", f"2001:db8::{number}") is Judgement.WRONG
        assert await place.judge("eve", "x", "2001:db8::ffff") is Judgement.TOO_MANY


async def test_a_user_who_was_guessed_at_too_often_is_not_judged_from_anywhere(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(failures_per_user=Rate(2, Period.HOUR))) as place:
        for number in range(2):
            assert await place.judge("ann", "x", f"192.0.2.{number}") is Judgement.WRONG
        assert await place.judge("ann", "secret", "192.0.2.9") is Judgement.TOO_MANY
        assert await place.judge("bob", "other", "192.0.2.9") is Judgement.RIGHT


async def test_guesses_that_come_at_once_are_counted_before_they_are_judged(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(failures_per_client=Rate(3, Period.HOUR))) as place:
        place.offload.latency_s = 1
        judgements: list[Judgement] = []

        async def judge(number: int) -> None:
            judgements.append(await place.judge("ann", f"guess{number}"))

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(judge, number)
        assert judgements.count(Judgement.WRONG) == 3
        assert judgements.count(Judgement.TOO_MANY) == 7


async def test_logins_that_are_too_long_to_be_any_are_counted_as_one(autojump_clock: MockClock) -> None:
    async with stage(settings=AuthSettings(failures_per_user=Rate(2, Period.HOUR))) as place:
        for number in range(2):
            assert await place.judge("x" * 256 + str(number), "x", f"192.0.2.{number}") is Judgement.WRONG
        assert await place.judge("y" * 9000, "x", "192.0.2.9") is Judgement.TOO_MANY


async def test_the_table_of_guesses_has_a_bound(autojump_clock: MockClock) -> None:
    settings = AuthSettings(failures_per_client=Rate(1, Period.HOUR), max_tracked=1)
    async with stage(settings=settings) as place:
        assert await place.judge("ann", "x", "192.0.2.1") is Judgement.WRONG
        assert await place.judge("ann", "x", "192.0.2.1") is Judgement.TOO_MANY
        assert await place.judge("ann", "x", "192.0.2.2") is Judgement.WRONG
        assert await place.judge("ann", "x", "192.0.2.1") is Judgement.WRONG


def test_passwords_have_threads_of_their_own_and_as_many_as_configured() -> None:
    world, offload = SimulatedWorld(seed=1), CountingOffload()
    make_users(evolve(world.world, offload=offload), FILE, AuthSettings(hash_threads=7), Prefixes())
    assert offload.branches == {"passwords": 7}


async def test_scram_is_offered_once_all_users_have_keys(autojump_clock: MockClock) -> None:
    both = scram_line("ann", "secret") + scram_line("bob", "other")
    for content, offered in ((both, True), (scram_line("ann", "secret") + BOB, False), (b"", False), (None, False)):
        async with stage(content) as place:
            assert (scram.MECHANISM in place.users.mechanisms) is offered


async def test_scram_keys_fit_a_password_too(autojump_clock: MockClock) -> None:
    async with stage(scram_line("ann", "secret")) as place:
        assert await place.judge("ann", "secret") is Judgement.RIGHT
        assert await place.judge("ann", "x") is Judgement.WRONG


async def test_whoever_does_not_exist_has_a_salt_of_his_own_that_stays(autojump_clock: MockClock) -> None:
    async with stage(scram_line("ann", "secret")) as place:
        eve, dora = place.users.keys_of("eve"), place.users.keys_of("dora")
        assert eve.salt == place.users.keys_of("EVE").salt != dora.salt
        assert len(eve.salt) == len(place.users.keys_of("ann").salt)
        assert eve.iterations == place.users.keys_of("ann").iterations
