"""Random limits, random hosts, random mail: no limit is ever exceeded, in any stretch of time, over many seeds.

A message counts when it leaves its lane, which is when its attempt begins; a connection when it is begun. Both are
exact to the microsecond here, and nothing is allowed for. What a host sees is later by the way there.
"""

import os
from collections.abc import Sequence
from functools import partial
from random import Random

import pytest
import trio
from attrs import define, field

from empath.config.schema import (
    ConnectionRateSettings,
    DeliverySettings,
    DomainSettings,
    Period,
    PoolSettings,
    Rate,
    RateLimitSettings,
    SiteSettings,
)
from empath.mail import DeliveryAttempted, Phase
from empath.mail.outcome import Delivered
from empath.sim import Conditions, SimulatedWorld, simulate
from empath.sim.clock import EPOCH
from empath.sim.network import VirtualNetwork
from empath.sim.remote import Fault, Rule
from empath.smtp import Domain, Reply
from empath.world import TcpEndpoint
from tests.delivery.stage import Stage, stage

REGRESSIONS = {13, 26}
"""Others followed too closely on what had gone after a message that found its host full, and gave its token back."""
SEEDS = sorted({*range(int(os.environ.get("EMPATH_SIM_SEEDS", "1"))), *REGRESSIONS})
DOMAINS = [f"d{number}.example" for number in range(6)]
USERS = ["ann", "ben", None]
SITE = Domain.parse("big")
BUSY = Reply(421, "too many connections", "4.7.0")
BIG_CONNECTIONS = 2
MESSAGES = 120
HOUR_S = 3600.0
LATENCY_S = 0.02
ROUNDING_S = 1e-6


def breaches(what: str, moments: Sequence[float], rate: Rate) -> list[str]:
    """The stretches of time in which more went than burst and rate allow."""
    found, burst = [], rate.burst or 1
    for first, start in enumerate(moments):
        for count, end in enumerate(moments[first:], 1):
            if count > burst + rate.per_second * (end - start + ROUNDING_S):
                found.append(f"{what}: {count} from {start} to {end}, at {rate}")
    return found


@define(eq=False)
class Watch:
    """Notes when each connection was begun, and how many there are at most."""

    network: VirtualNetwork
    began: dict[str, list[float]] = field(init=False, factory=dict)
    """By address of the host, on Trio's clock."""
    peaks: dict[str, int] = field(init=False, factory=dict)
    peak: int = field(init=False, default=0)

    def look(self, address: str) -> None:
        """A host has accepted a connection."""
        self.began.setdefault(address, []).append(trio.current_time() - 2 * LATENCY_S)
        live = [
            link.server.local.host
            for link in self.network.links
            if not link.client.closed and isinstance(link.server.local, TcpEndpoint)
        ]
        self.peaks[address] = max(self.peaks.get(address, 0), live.count(address))
        self.peak = max(self.peak, len(live))


def any_rate(random: Random) -> Rate:
    """Between one in ten seconds and five in one."""
    period = random.choice([Period.SECOND, Period.MINUTE])
    return Rate(random.randint(1, 5) * (1 if period is Period.SECOND else 6), period, random.choice([None, 1, 2, 5]))


def perhaps(random: Random) -> Rate | None:
    """A rate, in one of three configurations."""
    return any_rate(random) if random.random() < 1 / 3 else None


def any_settings(random: Random) -> DeliverySettings:
    """Limits of all kinds, not all of them in each configuration."""
    first, second, third = [Domain.parse(domain) for domain in DOMAINS[:3]]
    return DeliverySettings(
        sites={
            SITE: SiteSettings(domains=(first, second), rate_limit=any_rate(random), max_connections=BIG_CONNECTIONS)
        },
        domains={
            second: DomainSettings(rate_limit=any_rate(random)),
            third: DomainSettings(rate_limit=any_rate(random), connection_rate=any_rate(random)),
        },
        rate_limits=RateLimitSettings(
            global_per_second=perhaps(random),
            default=perhaps(random),
            per_site=perhaps(random),
            per_source=perhaps(random),
            per_sender=perhaps(random),
            connections=ConnectionRateSettings(
                global_per_second=perhaps(random), per_site=perhaps(random), per_source=perhaps(random)
            ),
        ),
        max_connections_per_host=random.randint(1, 4),
        max_parallel_deliveries=random.randint(3, 8),
        retry_base_delay_s=30,
        retry_max_delay_s=60,
        max_attempts=100,
        connection_pool=PoolSettings(idle_timeout_s=random.choice([0.0, 5.0, 60.0])),
    )


async def any_hosts(place: Stage, random: Random, watch: Watch) -> dict[str, str]:
    """A host for each domain, and one for the last three together; the addresses by domain."""
    place.world.network.usual = Conditions(latency_s=LATENCY_S)
    addresses = {}
    for domain in DOMAINS[:4]:
        rules = [
            Rule(phase=Phase.GREETING, reaction=BUSY, chance=random.choice([0.0, 0.2])),
            Rule(phase=Phase.MAIL, reaction=Fault.RESET, chance=random.choice([0.0, 0.1])),
        ]
        server = await place.server(domain, *rules)
        server.pause_s, server.greeting_s = random.choice([0.0, 0.3, 1.0]), random.choice([0.0, 4.0])
        addresses[domain] = server.host.addresses[0]
        server.on_accept = partial(watch.look, addresses[domain])
    for domain in DOMAINS[4:]:
        place.world.zones.add_mx(domain, f"mx.{DOMAINS[3]}")
        addresses[domain] = addresses[DOMAINS[3]]
    return addresses


async def story(seed: int) -> None:
    """Send through all of it, and look at every limit."""
    random = Random(seed)
    settings = any_settings(random)
    async with stage(settings, world=SimulatedWorld(seed)) as place:
        watch = Watch(place.world.network)
        addresses = await any_hosts(place, random, watch)
        users: dict[str, str | None] = {}
        for number in range(MESSAGES):
            user = random.choice(USERS)
            mid = await place.put(f"x{number}@{random.choice(DOMAINS)}", user=user)
            users[str(mid)] = user
            await trio.sleep(random.choice([0.0, 0.0, 0.5, 5.0]))
        await trio.sleep(HOUR_S)
        facts = place.said(DeliveryAttempted)
        assert [*of_messages(settings, facts, users), *of_connections(settings, watch, addresses)] == []
        assert sum(isinstance(fact.outcome, Delivered) for fact in facts) == MESSAGES, "nothing starves"


def of_messages(settings: DeliverySettings, facts: list[DeliveryAttempted], users: dict[str, str | None]) -> list[str]:
    """What is wrong with the moments at which messages left."""
    left: dict[tuple[str, str], list[float]] = {}
    for fact in facts:
        domain, user = str(fact.recipient.domain), users.get(str(fact.delivery.message))
        names = [("all", ""), ("domain", domain), ("sender", user or "")]
        for name in [*names, ("site", SITE.ascii if domain in DOMAINS[:2] else domain)]:
            left.setdefault(name, []).append(fact.at - EPOCH - fact.took_s)
    return [
        breach
        for (kind, name), moments in left.items()
        for rate in rates_of(settings, kind, name)
        for breach in breaches(f"messages, {kind} {name}", sorted(moments), rate)
    ]


def rates_of(settings: DeliverySettings, kind: str, name: str) -> list[Rate]:
    """The limits that hold for so many messages together."""
    limits, parsed = settings.rate_limits, Domain.parse(name) if name else SITE
    own, of_site = settings.domains.get(parsed), settings.sites.get(parsed)
    rates: list[Rate | None] = []
    if kind == "all":
        rates = [limits.global_per_second, limits.per_source]
    elif kind == "sender" and name:
        rates = [limits.per_sender]
    elif kind == "domain":
        is_rolled_up = name in DOMAINS[:2]
        rates = [own.rate_limit] if own else [] if is_rolled_up else [limits.default]
    elif kind == "site":
        rates = [of_site.rate_limit] if of_site else [limits.per_site]
    return [rate for rate in rates if rate is not None]


def of_connections(settings: DeliverySettings, watch: Watch, addresses: dict[str, str]) -> list[str]:
    """What is wrong with the moments at which connections were begun, and with their numbers."""
    limits, of_big = settings.rate_limits.connections, {addresses[domain] for domain in DOMAINS[:2]}
    every = sorted(moment for moments in watch.began.values() for moment in moments)
    found = [
        breach
        for rate in (limits.global_per_second, limits.per_source)
        if rate is not None
        for breach in breaches("connections in all", every, rate)
    ]
    third = settings.domains[Domain.parse(DOMAINS[2])].connection_rate
    assert third is not None
    found += breaches("connections, third domain", watch.began.get(addresses[DOMAINS[2]], []), third)
    of_site = sorted(moment for domain in DOMAINS[:2] for moment in watch.began.get(addresses[domain], []))
    if limits.per_site is not None:
        found += breaches("connections of the site", of_site, limits.per_site)
    for host, peak in watch.peaks.items():
        if peak > (BIG_CONNECTIONS if host in of_big else settings.max_connections_per_host):
            found.append(f"{peak} connections to {host}")
    if watch.peak > settings.max_parallel_deliveries:
        found.append(f"{watch.peak} connections in all")
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_no_limit_is_exceeded_in_any_stretch_of_time(seed: int) -> None:
    simulate(partial(story, seed), seed=seed)
