"""Measure what lanes cost by themselves: just bench lanes --help.

Three tables, of processor time and memory of this process alone; nothing is sent and nothing is stored.

- A decision: one message into the queue of its lane and out again, as breaker, window and limits allow, over
  ten thousand lanes that all have work. Each kind of queue by itself, from the plain one to one with every limit.
- Memory: what a hundred thousand sites take, as lanes with nothing in them and as entries of the tables beside them.
- A whole pass: feed, call and settle, with the lane's own task and a sender for each call, on Trio.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import trio
from attrs import define, field, frozen

from bench.table import simple_table
from empath.app.lane_terms import LaneTerms
from empath.config.schema import DeliverySettings, PrioritySettings, RateLimitSettings
from empath.config.units import Period, Rate
from empath.delivery import Capacity, Job, Lane
from empath.delivery.finding.routing import approach
from empath.delivery.finding.target import Finder
from empath.delivery.lanes.helm import Helm
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.ids import MessageId
from empath.mail.outcome import Delivered
from empath.mail.priority import Priority
from empath.policy.breaker import Breaker
from empath.policy.route import OwnHost, Routes
from empath.policy.window import Window
from empath.sim import SimulatedWorld
from empath.smtp import Address, Reply
from empath.spool.contract import Claim, ClaimedDelivery, DeliveryKey

MIB: Final = 1 << 20
MANY: Final = Rate(10**9, Period.SECOND, burst=10**9)
WELL: Final = Delivered(Reply(250, "OK"), "mx.example")
LIMITS: Final = RateLimitSettings(
    global_per_second=MANY,
    per_domain_per_second=MANY,
    default=MANY,
    per_site=MANY,
    per_source=MANY,
    per_sender=MANY,
    max_domains=1_000_000,
)


@frozen(kw_only=True)
class Case:
    """One kind of mail in the lanes."""

    name: str
    senders: int = 1
    classes: tuple[Priority | None, ...] = (None,)
    retries: bool = False
    """Whether every second message was attempted before."""
    settings: DeliverySettings = field(factory=DeliverySettings)


CASES: Final = (
    Case(name="one class, one sender"),
    Case(name="ten senders", senders=10),
    Case(name="ten senders, four classes, retries", senders=10, classes=tuple(Priority), retries=True),
    Case(name="one class, every limit", settings=DeliverySettings(rate_limits=LIMITS)),
    Case(
        name="all of it",
        senders=10,
        classes=tuple(Priority),
        retries=True,
        settings=DeliverySettings(rate_limits=LIMITS, priorities=PrioritySettings(reserved_per_site=1)),
    ),
)


@define(eq=False)
class Idler:
    """A sender that finishes each job at once."""

    lane: Lane
    done: Callable[[], None]

    async def run(self) -> None:
        """Take calls until there are none."""
        while (call := await self.lane.next_call(idle_s=0)) is not None:
            self.lane.settle(call, [WELL])
            self.done()


def terms_of(settings: DeliverySettings) -> LaneTerms:
    """What a configuration says about lanes."""
    world = SimulatedWorld(seed=1)
    finder = Finder(
        routes=Routes(),
        resolver=world.world.resolver,
        entropy=world.entropy,
        own=OwnHost(),
        approach=lru_cache(maxsize=settings.max_lanes)(partial(approach, settings)),
        max_hosts=5,
    )
    return LaneTerms(settings, finder)


def make_lanes(case: Case, count: int, done: Callable[[], None] = lambda: None) -> list[Lane]:
    """So many lanes, as the daemon makes them."""
    terms, capacity = terms_of(case.settings), Capacity(count)
    return [make_lane(f"d{number}.example", terms, capacity, done) for number in range(count)]


def make_lane(site: str, terms: LaneTerms, capacity: Capacity, done: Callable[[], None]) -> Lane:
    """One lane."""
    window = Window(terms.connection_limit(site))
    return Lane(
        site=site,
        breaker=Breaker(),
        window=window,
        leave=terms.leave(site, window),
        helm=Helm(site=site, window=window, observe=lambda _: None, wall=time.time),
        capacity=capacity,
        new_sender=lambda lane: Idler(lane, done),
        observe=lambda _: None,
        wall=time.time,
    )


def make_jobs(case: Case, lanes: Sequence[Lane], each: int) -> Iterator[tuple[Lane, Job]]:
    """So many messages for each lane, in the order in which they would come."""
    envelopes = [
        Envelope(
            reverse_path=Address.parse(f"sender{sender}@client.example"),
            recipients=(Recipient(Address.parse("user@d.example")),),
            received=0.0,
            origin=Origin(client_ip="192.0.2.1", hello="x", protocol="ESMTP", listener="x", user=f"u{sender}"),
            priority=priority,
        )
        for sender in range(case.senders)
        for priority in case.classes
    ]
    for number in range(each):
        envelope = envelopes[number % len(envelopes)]
        attempts = number % 2 if case.retries else 0
        for place, lane in enumerate(lanes):
            key = DeliveryKey(number * len(lanes) + place, 0)
            delivery = ClaimedDelivery(key=key, domain=lane.site, attempts=attempts)
            claim = Claim(mid=MessageId(0, key.message), received=0, envelope=b"", body=b"", deliveries=(delivery,))
            yield lane, Job(claim=claim, envelope=envelope, site=lane.site, deliveries=(delivery,))


def decision_us(case: Case, lanes: int, each: int) -> float:
    """Processor time of one message: into its lane, out with a ticket, and what came of it; without tasks."""
    all_lanes = make_lanes(case, lanes)
    work = list(make_jobs(case, all_lanes, each))
    gc.collect()
    gc.disable()
    began = time.process_time()
    taken = decide(all_lanes, work)
    spent_s = time.process_time() - began
    gc.enable()
    return spent_s / taken * 1e6


def decide(lanes: Sequence[Lane], work: Sequence[tuple[Lane, Job]]) -> int:
    """Put all messages into their lanes and take them out again, a turn for each lane; how many there were."""
    for lane, job in work:
        lane.backlog.push(job)
    taken, now = 0, 1.0
    while taken < len(work):
        for lane in lanes:
            ticket = lane.breaker.admit(now)
            one = lane.leave.next_job(now)
            if ticket is None or one is None:
                raise RuntimeError("a lane that has work and no limit in force has given nothing out")
            lane.leave.ended(one)
            lane.breaker.succeed(ticket)
            lane.window.succeed(1)
            taken += 1
    return taken


def profiled(case: Case, lanes: int, each: int, top: int) -> str:
    """A table of the functions that took the most time themselves: what part, and how often a message calls them."""
    all_lanes = make_lanes(case, lanes)
    work = list(make_jobs(case, all_lanes, each))
    profile = cProfile.Profile()
    gc.collect()
    gc.disable()
    profile.runcall(decide, all_lanes, work)
    gc.enable()
    found = pstats.Stats(profile).get_stats_profile()
    functions = sorted(found.func_profiles.items(), key=lambda item: -item[1].tottime)
    rows = []
    for name, one in functions[:top]:
        shares = [f"{part / found.total_tt:.1%}" for part in (one.tottime, one.cumtime)]
        rows.append([f"{name} ({Path(one.file_name).name})", *shares, f"{int(one.ncalls) / len(work):.1f}"])
    return simple_table([f"{case.name}: function", "own", "with calls", "calls a message"], rows)


def pass_us(case: Case, lanes: int, each: int) -> float:
    """Processor time of one message with everything that Trio does for it, without what Trio costs to start."""

    async def play() -> float:
        done = 0

        def count() -> None:
            nonlocal done
            done += 1

        all_lanes = make_lanes(case, lanes, count)
        work = list(make_jobs(case, all_lanes, each))
        gc.collect()
        began = time.process_time()
        async with trio.open_nursery() as nursery:
            for lane, job in work:
                lane.feed(job)
            for lane in all_lanes:
                nursery.start_soon(lane.run)
        if done != len(work):
            raise RuntimeError(f"{len(work) - done} messages were left")
        return (time.process_time() - began) / len(work) * 1e6

    return trio.run(play)


def held_mib(make: Callable[[], object]) -> float:
    """What something takes in memory that is kept."""
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    size_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size_bytes / MIB


def known_sites(count: int) -> object:
    """What is left of sites that mail has gone to: no lanes, and what the tables beside them keep in their bounds."""
    terms = terms_of(
        DeliverySettings(rate_limits=RateLimitSettings(default=MANY, per_site=MANY, per_domain_per_second=MANY))
    )
    capacity, lanes = Capacity(100), dict[str, Lane]()
    limits = terms.messages
    for number in range(count):
        lane = make_lane(f"d{number}.example", terms, capacity, lambda: None)
        lanes[lane.site] = lane
        for _, job in make_jobs(CASES[0], [lane], 1):
            lane.backlog.push(job)
            limits.take(job, float(number))
            lane.leave.next_job(float(number))
        if lane.is_fresh:
            del lanes[lane.site]
    return terms, lanes


def main() -> None:
    """Measure and print."""
    options = _parser().parse_args()
    if options.profile:
        print(profiled(CASES[-1], options.lanes, options.each, options.profile))
        return
    rows = [
        [
            case.name,
            f"{decision_us(case, options.lanes, options.each):.2f}",
            f"{pass_us(case, options.lanes, options.each):.1f}",
        ]
        for case in CASES
    ]
    print(simple_table([f"{options.lanes} busy lanes", "decision us", "whole pass us"], rows))
    bound = DeliverySettings().max_lanes
    figures = [
        [f"{options.sites} sites that mail went to", f"{held_mib(lambda: known_sites(options.sites)):.1f}"],
        [f"{bound} lanes that rest (max_lanes)", f"{held_mib(lambda: make_lanes(CASES[0], bound)):.1f}"],
    ]
    print(simple_table(["memory", "MiB"], figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measures lanes without sockets and without a spool.")
    parser.add_argument("--lanes", type=int, default=10_000, help="how many lanes have work (10000)")
    parser.add_argument("--each", type=int, default=10, help="messages for each of them (10)")
    parser.add_argument("--profile", type=int, metavar="TOP", help="no figures, but where a decision spends its time")
    parser.add_argument("--sites", type=int, default=100_000, help="how many sites are known (100000)")
    return parser


if __name__ == "__main__":
    main()
