"""What operators do to lanes: it holds at once, for what is there and what comes, survives a restart, and ends."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import BreakerSettings, DeliverySettings, Period, Rate, RateLimitSettings, SiteSettings
from empath.mail import BreakerMoved, OperatorActed, Phase, RuleEnded, RuleSet
from empath.mail.waiting import WaitReason
from empath.policy.steering import RuleKind, Scope
from empath.sim import SimulatedWorld
from empath.sim.remote import Rule
from empath.smtp import Domain, Reply
from empath.spool.contract import Selector, StoredRule
from empath.spool.memory import MemoryStore
from empath.spool.store import Store
from tests.delivery.steered import Who, bridge

ANN: Who = {"by": "ann", "why": "as they ask"}


def lasting() -> Callable[[], Store]:
    """A store that outlives the daemon."""
    store = MemoryStore()
    return lambda: store


async def test_a_suspended_lane_sends_nothing_of_what_is_there_or_comes(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server, other = await place.server("a.example"), await place.server("b.example")
        await place.sending.control.suspend(Scope(lane="a.example"), **ANN)
        await place.put("x@a.example", messages=3)
        await place.put("x@b.example")
        await trio.sleep(3600)
        assert (len(server.taken), len(other.taken)) == (0, 1)
        assert (await place.spool.statistics()).waiting == 3


async def test_resumed_it_sends_all_at_once_and_nothing_was_charged(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        rule = await place.sending.control.suspend(Scope(lane="a.example"), **ANN)
        await place.put("x@a.example", messages=50)
        await trio.sleep(7200)
        assert await place.sending.control.end(rule.id, by="bob") == rule
        await trio.sleep(5)
        assert len(server.taken) == 50
        assert {fact.attempt for fact in place.facts if hasattr(fact, "attempt")} == {1}


async def test_a_suspension_of_work_under_way_lets_it_end(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        server.pause_s = 1
        await place.put("x@a.example", messages=30)
        await trio.sleep(4)
        await place.sending.control.suspend(Scope(lane="a.example"), **ANN)
        await trio.sleep(30)
        taken = len(server.taken)
        await trio.sleep(3600)
        assert len(server.taken) == taken < 30
        assert len(server.taken) + (await place.spool.statistics()).waiting == 30


async def test_it_ends_by_itself_when_its_time_is_over(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        await place.sending.control.suspend(Scope(domain="a.example"), **ANN, for_s=600)
        await place.put("x@a.example")
        await trio.sleep(599)
        assert server.taken == []
        await trio.sleep(3)
        assert len(server.taken) == 1
        assert [fact.by for fact in place.said(RuleEnded)] == [None]


async def test_a_sender_is_suspended_without_its_lane(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        rule = await place.sending.control.suspend(Scope(sender="bulk@client.example"), **ANN)
        await place.put("x@a.example", sender="Bulk@client.example", messages=2)
        await place.put("x@a.example", sender="ann@client.example")
        await trio.sleep(3600)
        assert [str(taken.reverse_path) for taken in server.taken] == ["ann@client.example"]
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(5)
        assert len(server.taken) == 3


async def test_a_domain_is_suspended_without_the_site_that_it_is_a_part_of(autojump_clock: MockClock) -> None:
    names = (Domain.parse("a.example"), Domain.parse("b.example"))
    settings = DeliverySettings(sites={Domain.parse("both"): SiteSettings(domains=names)})
    async with bridge(settings) as place:
        server = await place.server("a.example", also=("b.example",))
        rule = await place.sending.control.suspend(Scope(domain="b.example"), **ANN)
        await place.put("x@a.example")
        await place.put("x@b.example")
        await trio.sleep(3600)
        assert [str(taken.recipients[0]) for taken in server.taken] == ["x@a.example"]
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(5)
        assert len(server.taken) == 2


async def test_frozen_nothing_goes_and_thawed_everything_does(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        rule = await place.sending.control.freeze(**ANN)
        assert await place.sending.control.freeze(**ANN) == rule
        await place.put("x@a.example", messages=20)
        await trio.sleep(7200)
        assert place.attempts == 0
        assert await place.sending.control.thaw(by="ann") == rule
        assert await place.sending.control.thaw(by="ann") is None
        await trio.sleep(5)
        assert len(server.taken) == 20


async def test_a_freeze_of_the_configuration_is_thawed_and_comes_back_at_the_next_start(
    autojump_clock: MockClock,
) -> None:
    store, world = lasting(), SimulatedWorld(seed=1)
    for _ in range(2):
        async with bridge(DeliverySettings(frozen=True), world=world, open_store=store) as place:
            server = await place.server(f"a{len(place.facts)}.example")
            domain = server.name.removeprefix("mx.")
            await place.put(f"x@{domain}")
            await trio.sleep(60)
            assert place.attempts == 0
            await place.sending.control.thaw(by="ann")
            await trio.sleep(5)
            assert len(server.taken) == 1
        world = SimulatedWorld(seed=2)


async def test_rules_survive_a_restart_with_who_why_and_until(autojump_clock: MockClock) -> None:
    store, world = lasting(), SimulatedWorld(seed=1)
    async with bridge(world=world, open_store=store) as place:
        rule = await place.sending.control.suspend(Scope(lane="a.example"), **ANN, for_s=3600)
        await place.put("x@a.example")
        await trio.sleep(600)
    async with bridge(world=world, open_store=store) as place:
        server = await place.server("a.example")
        assert place.sending.control.rules() == [rule]
        await trio.sleep(2990)
        assert server.taken == []
        await trio.sleep(60)
        assert len(server.taken) == 1
        assert await place.spool.rules() == []


async def test_a_rule_that_cannot_be_read_is_kept_and_stops_nothing(autojump_clock: MockClock) -> None:
    store = lasting()
    async with bridge(open_store=store) as place:
        await place.spool.put_rule(StoredRule(id="zz-1", kind="zz", body=b"what?"))
    async with bridge(open_store=store, world=SimulatedWorld(seed=2)) as place:
        assert place.sending.control.rules() == []
        assert [rule.id for rule in await place.spool.rules()] == ["zz-1"]


async def test_an_overlay_bounds_connections_and_rate_and_is_lifted(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        rule = await place.sending.control.set_limit(
            Scope(lane="a.example"), rate_per_s=0.5, connections=1, **ANN, for_s=100
        )
        assert (rule.kind, rule.rate_per_s) == (RuleKind.OVERLAY, 0.5)
        began = trio.current_time()
        await place.put("x@a.example", messages=100)
        await trio.sleep(99)
        gaps = [later.at - one.at for one, later in zip(server.taken, server.taken[1:], strict=False)]
        assert len(server.taken) in (49, 50)
        assert min(gaps) >= 1.99
        assert server.connections == 1
        await trio.sleep(20)
        assert len(server.taken) == 100
        assert server.taken[-1].at - began < 120


async def test_an_overlay_may_allow_more_than_the_configuration(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(max_connections_per_host=1)) as place:
        server = await place.server("a.example")
        server.pause_s = 1
        await place.sending.control.set_limit(Scope(lane="a.example"), connections=5, **ANN)
        await place.put("x@a.example", messages=100)
        await trio.sleep(60)
        assert place.sending.dispatcher.lanes["a.example"].window.limit == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": Scope(lane="a")},
        {"scope": Scope(lane="a"), "rate_per_s": 0.0},
        {"scope": Scope(lane="a"), "connections": 0},
        {"scope": Scope(sender="x@y.example"), "connections": 1},
    ],
)
async def test_a_limit_that_is_none_is_refused(wrong: dict[str, object], autojump_clock: MockClock) -> None:
    async with bridge() as place:
        with pytest.raises(ValueError, match=r"sets a rate|to stop a lane|not of senders"):
            await place.sending.control.set_limit(**wrong, **ANN)  # type: ignore[arg-type]  # it is wrong on purpose
        with pytest.raises(ValueError, match="freeze the node"):
            await place.sending.control.suspend(Scope(), **ANN)
        assert place.sending.control.rules() == []


async def test_an_operator_opens_a_breaker_for_a_time_and_then_it_probes(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        await place.sending.control.open_breaker("a.example", **ANN, for_s=600)
        await place.put("x@a.example", messages=10)
        await trio.sleep(590)
        assert server.connections == 0
        await trio.sleep(60)
        assert len(server.taken) == 10
        assert [fact.after for fact in place.said(BreakerMoved)] == ["open", "half_open", "closed"]
        assert place.sending.control.rules() == []


async def test_an_operator_closes_a_breaker_that_failures_opened(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        circuit_breaker=BreakerSettings(failure_threshold=2, timeout_s=86_000), retry_base_delay_s=10
    )
    async with bridge(settings) as place:
        rule = Rule(phase=Phase.GREETING, reaction=Reply(421, "busy"))
        server = await place.server("a.example", rule)
        await place.put("x@a.example", messages=8)
        await trio.sleep(120)
        server.rules.clear()
        assert server.taken == []
        assert await place.sending.control.close_breaker("a.example", by="ann")
        await trio.sleep(120)
        assert len(server.taken) == 8
        assert not await place.sending.control.close_breaker("a.example", by="ann")


async def test_a_flush_makes_mail_due_and_obeys_the_limits(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        later = Rule(phase=Phase.RCPT, reaction=Reply(451, "not now", "4.2.0"))
        server = await place.server("a.example", later)
        await place.put("x@a.example", messages=20)
        await trio.sleep(10)
        server.rules.clear()
        await place.sending.control.set_limit(Scope(lane="a.example"), rate_per_s=1, **ANN)
        changed = await place.sending.control.flush(Selector(domains=frozenset({"a.example"})))
        assert changed.done == 20
        await trio.sleep(10.5)
        assert 9 <= len(server.taken) <= 11


async def test_a_flush_passes_no_suspension_and_no_breaker(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        await place.sending.control.suspend(Scope(lane="a.example"), **ANN)
        await place.sending.control.open_breaker("b.example", **ANN)
        other = await place.server("b.example")
        for domain in ("a.example", "b.example"):
            await place.put(f"x@{domain}", messages=5)
            await place.sending.control.flush(Selector(domains=frozenset({domain})))
        await trio.sleep(3600)
        assert (server.connections, other.connections) == (0, 0)


async def test_what_waits_in_memory_is_held_too_and_released(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(max_connections_per_host=1)) as place:
        server = await place.server("a.example")
        server.pause_s = 5
        await place.put("x@a.example")
        await trio.sleep(1)
        mid = await place.put("y@a.example")
        await trio.sleep(1)
        assert place.sending.dispatcher.lanes["a.example"].backlog.deliveries == 1
        selector = Selector(ids=frozenset({mid}))
        assert (await place.sending.control.hold(selector, by="ann", why="look at it")).done == 1
        await trio.sleep(3600)
        assert len(server.taken) == 1
        (story,) = await place.sending.explainer.message(mid)
        assert story.wait is not None
        assert (story.wait.reason, story.wait.detail) == (WaitReason.HELD, "ann: look at it")
        assert (await place.sending.control.release(selector)).done == 1
        await trio.sleep(60)
        assert len(server.taken) == 2


async def test_every_change_is_told_with_who_and_why(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        control = place.sending.control
        rule = await control.suspend(Scope(lane="a.example"), **ANN, for_s=60)
        await control.end(rule.id, by="bob")
        (begun,), (ended,) = place.said(RuleSet), place.said(RuleEnded)
        assert (begun.rule, begun.kind, begun.scope, begun.by, begun.why, begun.until) == (
            *("sd-1", "suspension", "lane a.example", "ann", "as they ask"),
            rule.until,
        )
        assert (ended.rule, ended.by) == ("sd-1", "bob")
        assert await control.end("sd-1", by="bob") is None


async def test_who_closes_a_breaker_or_resets_a_lane_is_named(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(circuit_breaker=BreakerSettings(failure_threshold=2, timeout_s=86_000))
    async with bridge(settings) as place:
        await place.server("a.example", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy")))
        await place.put("x@a.example", messages=8)
        await trio.sleep(30)
        await place.sending.control.close_breaker("a.example", by="ann")
        await trio.sleep(30)
        await place.sending.control.reset_lane("a.example", by="bob")
        told = [(fact.by, fact.verb, fact.selector) for fact in place.said(OperatorActed)]
        assert told[0] == ("ann", "close breaker", "lane a.example")
        assert told[-1] == ("bob", "reset lane", "lane a.example")


async def test_an_overlay_may_allow_a_higher_rate_than_the_configuration(autojump_clock: MockClock) -> None:
    slow = RateLimitSettings(default=Rate(1, Period.MINUTE))
    async with bridge(DeliverySettings(rate_limits=slow)) as place:
        server = await place.server("a.example")
        await place.put("x@a.example", messages=40)
        await trio.sleep(61)
        assert len(server.taken) == 2
        rule = await place.sending.control.set_limit(Scope(lane="a.example"), rate_per_s=1, **ANN)
        await trio.sleep(20)
        assert 20 <= len(server.taken) <= 23
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(61)
        assert len(server.taken) <= 25, "the rate of the configuration holds again"


async def test_the_end_of_a_suspension_of_a_sender_makes_no_backoff_due(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(retry_base_delay_s=7200)) as place:
        later = Rule(phase=Phase.RCPT, reaction=Reply(451, "not now", "4.2.0"))
        server = await place.server("a.example", later)
        await place.put("x@a.example", sender="bulk@client.example")
        await trio.sleep(10)
        server.rules.clear()
        rule = await place.sending.control.suspend(Scope(sender="bulk@client.example"), **ANN)
        await place.put("y@a.example", sender="bulk@client.example")
        await trio.sleep(60)
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(60)
        assert [str(one.recipients[0]) for one in server.taken] == ["y@a.example"]
        await trio.sleep(3 * 7200)
        assert len(server.taken) == 2


@pytest.mark.parametrize("domain", ["", "..", "a b", "x" * 300])
async def test_a_limit_for_what_is_no_domain_is_refused(autojump_clock: MockClock, domain: str) -> None:
    async with bridge() as place:
        with pytest.raises(ValueError, match="is no domain"):
            await place.sending.control.set_limit(Scope(domain=domain), rate_per_s=1.0, by="ann", why="x")
        assert place.sending.control.rules() == []
