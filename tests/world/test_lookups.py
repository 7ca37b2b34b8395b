"""The cache of the resolver, in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from empath.world import Answer, DnsError, DnsTemporary, NoSuchDomain, Security
from empath.world.dns_watch import DnsWatch, Lookup
from empath.world.lookups import MIN_TTL_S, Lookups


@define
class Source:
    """Counts questions and answers them after ``delay_s``, with what it was told to."""

    ttl_s: float = 60
    delay_s: float = 0
    trouble: Exception | None = None
    asked: list[str] = field(factory=list)

    async def look_up(self, name: str) -> Answer[str]:
        self.asked.append(name)
        await trio.sleep(self.delay_s)
        if self.trouble is not None:
            raise self.trouble
        return Answer((f"about {name}",), name, ttl_s=self.ttl_s, security=Security.INSECURE)


@asynccontextmanager
async def cache(source: Source, *, max_ttl_s: float = 300, max_entries: int = 100) -> AsyncIterator[Lookups[str]]:
    async with trio.open_nursery() as nursery:
        yield Lookups(
            nursery,
            source.look_up,
            max_ttl_s=max_ttl_s,
            max_entries=max_entries,
            kind="A",
            watch=DnsWatch(),
        )
        nursery.cancel_scope.cancel()


async def test_an_answer_is_kept_for_its_time_to_live_and_says_what_is_left(autojump_clock: MockClock) -> None:
    source = Source(ttl_s=60)
    async with cache(source) as lookups:
        assert (await lookups.get("a")).ttl_s == 60
        await trio.sleep(59)
        assert (await lookups.get("a")).ttl_s == pytest.approx(1)
        assert source.asked == ["a"]
        await trio.sleep(1)
        await lookups.get("a")
        assert source.asked == ["a", "a"]


@pytest.mark.parametrize(("said", "kept"), [(0, MIN_TTL_S), (1e9, 300), (float("inf"), 300)])
async def test_the_time_to_live_is_bounded_both_ways(autojump_clock: MockClock, said: float, kept: float) -> None:
    async with cache(Source(ttl_s=said)) as lookups:
        assert (await lookups.get("a")).ttl_s == kept


async def test_absence_is_kept_for_its_time(autojump_clock: MockClock) -> None:
    source = Source(trouble=NoSuchDomain("a", "no such domain", ttl_s=30, security=Security.SECURE))
    async with cache(source) as lookups:
        for passed, asked in ((0, 1), (29, 1), (1, 2)):
            await trio.sleep(passed)
            with pytest.raises(NoSuchDomain) as missing:
                await lookups.get("a")
            assert missing.value.security is Security.SECURE
            assert len(source.asked) == asked


async def test_a_failure_is_kept_for_a_second_and_no_longer(autojump_clock: MockClock) -> None:
    source = Source(trouble=DnsTemporary("a", "SERVFAIL", ttl_s=1000))
    async with cache(source) as lookups:
        for _ in range(2):
            with pytest.raises(DnsTemporary):
                await lookups.get("a")
        assert len(source.asked) == 1
        await trio.sleep(MIN_TTL_S)
        source.trouble = None
        assert (await lookups.get("a")).records == ("about a",)


async def test_those_who_ask_at_once_share_one_lookup(autojump_clock: MockClock) -> None:
    source, answers = Source(delay_s=2), []

    async def ask(lookups: Lookups[str]) -> None:
        answers.append(await lookups.get("a"))

    async with cache(source) as lookups:
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(ask, lookups)
        assert source.asked == ["a"]
        assert len(answers) == 50
        assert trio.current_time() == 2


async def test_who_gives_up_takes_nothing_from_the_others(autojump_clock: MockClock) -> None:
    source = Source(delay_s=5)
    async with cache(source) as lookups:
        with trio.move_on_after(1) as impatient:
            await lookups.get("a")
        assert impatient.cancelled_caught
        assert (await lookups.get("a")).records == ("about a",)
        assert source.asked == ["a"]
        assert trio.current_time() == 5


async def test_each_asker_has_an_exception_of_its_own(autojump_clock: MockClock) -> None:
    raised: list[DnsError] = []

    async def ask(lookups: Lookups[str]) -> None:
        with pytest.raises(NoSuchDomain) as missing:
            await lookups.get("a")
        raised.append(missing.value)

    source = Source(delay_s=1, trouble=NoSuchDomain("a", "no such domain"))
    async with cache(source) as lookups, trio.open_nursery() as nursery:
        nursery.start_soon(ask, lookups)
        nursery.start_soon(ask, lookups)
    assert len({id(error) for error in raised}) == 2


async def test_a_bug_in_a_lookup_reaches_those_who_asked_and_nobody_else(autojump_clock: MockClock) -> None:
    source = Source(trouble=RuntimeError("a bug"))
    async with cache(source) as lookups:
        with pytest.raises(RuntimeError, match="a bug"):
            await lookups.get("a")
        source.trouble = None
        assert (await lookups.get("a")).records == ("about a",)


async def test_what_was_not_used_for_longest_makes_room(autojump_clock: MockClock) -> None:
    source = Source()
    async with cache(source, max_entries=3) as lookups:
        for name in ("a", "b", "c", "a", "d"):
            await lookups.get(name)
        source.asked.clear()
        for name in ("a", "c", "d", "b"):
            await lookups.get(name)
        assert source.asked == ["b"]


async def test_closing_leaves_nobody_waiting() -> None:
    async def ask() -> None:
        with pytest.raises(DnsTemporary, match="closed"):
            await lookups.get("a")

    async with trio.open_nursery() as askers, cache(Source(delay_s=1000)) as lookups:
        askers.start_soon(ask)
        await wait_all_tasks_blocked()


async def test_what_the_cache_spares_is_counted_and_what_it_does_not_is_told(autojump_clock: MockClock) -> None:
    source, heard = Source(delay_s=2), list[Lookup]()
    async with cache(source) as lookups:
        lookups.watch.tell = heard.append
        for _ in range(3):
            await lookups.get("a")
        source.trouble = DnsTemporary("b", "nobody answers")
        with pytest.raises(DnsTemporary):
            await lookups.get("b")
        source.trouble = NoSuchDomain("c", "no such domain", security=Security.SECURE)
        with pytest.raises(NoSuchDomain):
            await lookups.get("c")
        assert (lookups.watch.hits, lookups.watch.misses) == (2, 3)
    assert heard == [
        Lookup(kind="A", result="ok", security=Security.INSECURE, took_s=2),
        Lookup(kind="A", result="temporary", security=None, took_s=2),
        Lookup(kind="A", result="nxdomain", security=Security.SECURE, took_s=2),
    ]


async def test_what_is_known_can_be_listed_and_forgotten(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        asked: list[str] = []

        async def look_up(name: str) -> Answer[str]:
            asked.append(name)
            await trio.lowlevel.checkpoint()
            return Answer((f"address of {name}",), name, ttl_s=60, security=Security.INSECURE)

        lookups = Lookups(nursery, look_up, max_ttl_s=300, max_entries=10, kind="A", watch=DnsWatch())
        for name in ("a.example", "b.example"):
            await lookups.get(name)
        await trio.sleep(20)
        assert [(name, round(finding.ttl_s)) for name, finding in lookups.entries() if isinstance(finding, Answer)] == [
            ("a.example", 40),
            ("b.example", 40),
        ]
        assert (lookups.forget("a.example"), lookups.forget("a.example")) == (1, 0)
        await lookups.get("a.example")
        assert asked == ["a.example", "b.example", "a.example"]
        assert lookups.forget(None) == 2
        assert list(lookups.entries()) == []
