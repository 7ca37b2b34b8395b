"""A worker that reads its configuration again: what begins afterwards goes by it, and nobody notices otherwise."""

from typing import Any

import trio
from attrs import evolve

from empath.app.reload import Reading
from empath.config import Code, ConfigError, Fault, Loaded
from empath.config.places import DEFAULT
from empath.config.schema import (
    Config,
    DeliverySettings,
    DomainSettings,
    Key,
    RateLimitSettings,
    RelaySettings,
)
from empath.config.schema.keys import keys_of
from empath.config.units import HostPort, Period, Rate
from empath.mail import Phase, Status
from empath.mail.reload_facts import ConfigReloaded
from empath.policy.encryption.tls import TlsPolicy
from empath.sim.remote import Rule
from empath.smtp import Domain, Reply
from tests.sim.stage import SENDERS, Stage, config_with, simulated
from tests.sim.test_api import STEERED, ask, message

LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "4.7.1 later", "4.7.1"), times=1000)


class Files:
    """What the files say at the moment."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.broken = False
        self.version = 0
        self.levels: list[str] = []

    def load(self) -> Loaded:
        if self.broken:
            raise ConfigError([Fault(code=Code.BAD_VALUE, what="nonsense", why="it is", remedy="mend it")])
        return Loaded(config=self.config, warnings=(), files=(), origin=lambda _: DEFAULT, history=lambda _: ())

    def reading(self, *, watched: bool = False) -> Reading:
        return Reading(
            loaded=self.load(),
            load=self.load,
            stamp=(lambda _: self.version) if watched else None,
            stamped=self.version,
            took=lambda config: self.levels.append(config.log.level.value),
        )


def staged(config: Config | None = None, *, watched: bool = False) -> tuple[Stage, Files]:
    files = Files(config or config_with())
    return Stage(1, files.config, reading=files.reading(watched=watched)), files


def reloads(stage: Stage) -> list[ConfigReloaded]:
    return [fact for fact in stage.facts if isinstance(fact, ConfigReloaded)]


def delivery(files: Files, **more: Any) -> None:
    files.config = evolve(files.config, delivery=evolve(files.config.delivery, **more))


def relay(files: Files, **raw: object) -> None:
    """``raw``: as TOML has it."""
    keys = keys_of(RelaySettings)
    values = {name: key.read(value) for name, value in raw.items() if isinstance(key := keys[name], Key)}
    files.config = evolve(files.config, relay=evolve(files.config.relay, **values))


@simulated
async def test_a_domain_gets_another_next_hop_and_what_waits_goes_there() -> None:
    stage, files = staged(config_with(DeliverySettings(retry_jitter_factor=0.0)))
    stage.site("ill.example", LATER)
    other = stage.server("elsewhere.example", site="ill.example")
    async with stage.play() as run:
        await stage.send("a", "bob@ill.example")
        await trio.sleep(10)
        override = DomainSettings(mx_override=HostPort(Domain.parse("elsewhere.example"), 25))
        delivery(files, domains={Domain.parse("ill.example"): override})
        run.reload()
        await trio.sleep(120)
        assert len(other.taken) == 1
    assert [fact.applied for fact in reloads(stage)] == [('delivery.domains."ill.example".mx_override',)]
    assert not stage.breaches()


@simulated
async def test_a_session_that_is_open_goes_on_as_it_began_and_the_next_one_goes_by_the_new_lists() -> None:
    stage, files = staged()
    async with stage.play() as run, await stage.client.host.connect(stage.client.server) as session:

        async def say(line: str) -> bytes:
            await session.send_all(line.encode() + b"\r\n")
            return bytes(await session.receive_some(4096))

        await session.receive_some(4096)
        await say("EHLO client.example")
        await say("MAIL FROM:<alice@senders.example>")
        relay(files, deny_recipients=["bob@ill.example"], max_alias_recipients=7)
        smtp = files.config.smtp
        files.config = evolve(files.config, smtp=evolve(smtp, limits=evolve(smtp.limits, max_recipients=1)))
        run.reload()
        await trio.sleep(1)
        assert (await say("RCPT TO:<bob@ill.example>")).startswith(b"250 ")
        assert (await say("RCPT TO:<ann@well.example>")).startswith(b"250 ")
        reply = await stage.client.submit("b", sender=f"a@{SENDERS}", recipients=("bob@ill.example",))
        assert reply.code == 550
        assert b"LIMITS RCPTMAX=1\r\n" in await _greeting(stage)
    assert [fact.by for fact in reloads(stage)] == ["signal"]


@simulated
async def test_aliases_and_domains_of_ours_hold_for_the_next_session() -> None:
    stage, files = staged()
    site = stage.site("well.example")
    async with stage.play() as run:
        relay(files, aliases={"sales@open.example": "ann@well.example"})
        run.reload()
        await trio.sleep(1)
        await stage.send("a", "sales@open.example")
        await trio.sleep(60)
    assert [str(one.recipients[0]) for one in site.taken] == ["ann@well.example"]


@simulated
async def test_a_rate_holds_from_the_reload_on_and_goes_with_the_next_one() -> None:
    stage, files = staged()
    site = stage.site("well.example")
    async with stage.play() as run:
        delivery(files, domains={Domain.parse("well.example"): DomainSettings(rate_limit=Rate(1, Period.MINUTE))})
        run.reload()
        await trio.sleep(1)
        for token in "abc":
            await stage.send(token, "bob@well.example")
        await trio.sleep(90)
        assert len(site.taken) == 2
        delivery(files, domains={})
        run.reload()
        await trio.sleep(2)
        assert len(site.taken) == 3
    assert not stage.breaches()


@simulated
async def test_what_was_taken_of_a_limit_that_stays_the_same_is_not_forgotten() -> None:
    limits = RateLimitSettings(global_per_second=Rate(1, Period.MINUTE))
    stage, files = staged(config_with(DeliverySettings(rate_limits=limits)))
    site = stage.site("well.example")
    async with stage.play() as run:
        await stage.send("a", "bob@well.example")
        await trio.sleep(1)
        delivery(files, max_messages_per_connection=7)
        run.reload()
        await trio.sleep(1)
        await stage.send("b", "bob@well.example")
        await trio.sleep(30)
        assert len(site.taken) == 1


@simulated
async def test_another_schedule_of_retries_holds_for_the_next_failure() -> None:
    stage, files = staged()
    stage.site("ill.example", LATER)
    async with stage.play() as run:
        delivery(files, max_attempts=1)
        run.reload()
        await trio.sleep(1)
        await stage.send("a", "bob@ill.example")
        await trio.sleep(30)
    assert [fact.status for fact in stage.ended if fact.status is not Status.COMPLETED] == [Status.EXPIRED]


@simulated
async def test_another_policy_of_tls_holds_for_the_next_connection() -> None:
    stage, files = staged()
    site = stage.site("well.example")
    async with stage.play() as run:
        delivery(files, tls=evolve(files.config.delivery.tls, default_policy=TlsPolicy.REQUIRED))
        run.reload()
        await trio.sleep(1)
        await stage.send("a", "bob@well.example")
        await trio.sleep(30)
    assert not site.taken
    assert stage.attempts("well.example")


@simulated
async def test_an_open_breaker_stays_open() -> None:
    stage, files = staged()
    stage.site("dead.example")
    stage.servers["mx1.dead.example"].host.crash()
    async with stage.play() as run:
        for number in range(6):
            await stage.send(f"m{number}", f"bob{number}@dead.example")
        await trio.sleep(40)
        before = len(stage.attempts("dead.example"))
        delivery(files, max_messages_per_connection=7)
        run.reload()
        await trio.sleep(5)
        assert len(stage.attempts("dead.example")) == before
    assert not stage.breaches()


@simulated
async def test_a_configuration_with_a_fault_changes_nothing_and_is_told() -> None:
    stage, files = staged()
    site = stage.site("well.example")
    async with stage.play() as run:
        files.broken = True
        run.reload()
        await trio.sleep(1)
        await stage.send("a", "bob@well.example")
        await trio.sleep(10)
    assert len(site.taken) == 1
    (failed,) = reloads(stage)
    assert failed.problem is not None
    assert "mend it" in failed.problem


@simulated
async def test_files_that_change_are_read_when_they_have_come_to_rest() -> None:
    stage, files = staged(watched=True)
    async with stage.play():
        await trio.sleep(5)
        assert not reloads(stage)
        delivery(files, max_attempts=7)
        for _ in range(8):  # somebody writes
            files.version += 1
            await trio.sleep(0.5)
        assert not reloads(stage)
        await trio.sleep(3)
        (fact,) = reloads(stage)
        assert (fact.by, fact.applied) == ("files", ("delivery.max_attempts",))


@simulated
async def test_files_that_somebody_has_had_read_are_not_read_once_more() -> None:
    stage, files = staged(watched=True)
    async with stage.play() as run:
        await trio.sleep(5)
        delivery(files, max_attempts=7)
        files.version += 1
        run.reload()
        await trio.sleep(10)
        assert [fact.by for fact in reloads(stage)] == ["signal"]
        files.broken = True
        files.version += 1
        await trio.sleep(10)
        assert [fact.by for fact in reloads(stage)] == ["signal", "files"]


@simulated
async def test_a_key_that_needs_a_restart_keeps_its_value_and_is_named() -> None:
    stage, files = staged()
    async with stage.play() as run:
        files.config = evolve(files.config, hostname=Domain.parse("new.example"))
        relay(files, max_alias_recipients=7)
        run.reload()
        await trio.sleep(1)
        assert b"220 mx.empath.example" in await _greeting(stage)
    (fact,) = reloads(stage)
    assert (fact.applied, fact.needs_restart) == (("relay.max_alias_recipients",), ("hostname",))
    assert files.levels == ["info"]


async def _greeting(stage: Stage) -> bytes:
    async with await stage.client.host.connect(stage.client.server) as stream:
        greeting = bytes(await stream.receive_some(4096))
        await stream.send_all(b"EHLO client.example\r\n")
        return greeting + bytes(await stream.receive_some(4096))


@simulated
async def test_the_api_shows_what_a_reload_would_do_and_does_it_if_nobody_was_faster() -> None:
    stage, files = staged(STEERED)
    async with stage.play():
        runs = (await ask(stage, "GET", "/config")).content["hash"]
        files.config = evolve(files.config, hostname=Domain.parse("new.example"))
        delivery(files, max_attempts=7)
        planned = await ask(stage, "POST", "/config/check")
        assert [(one["key"], one["after"]) for one in planned.content["applied"]] == [("delivery.max_attempts", "7")]
        assert not reloads(stage)
        stale = await ask(stage, "POST", "/config/reload", fields={"If-Match": '"another"'})
        assert (stale.status, stale.content["code"]) == (412, "CFG091")
        done = await ask(stage, "POST", "/config/reload", fields={"If-Match": f'"{runs}"'})
        assert [one["key"] for one in done.content["needs_restart"]] == ["hostname"]
        shown = (await ask(stage, "GET", "/config")).content
        assert shown["hash"] == done.content["hash"] != runs
        assert {one["key"]: one["value"] for one in shown["settings"]}["delivery.max_attempts"] == "7"
        assert (await ask(stage, "GET", "/status")).content["needs_restart"] == ["hostname"]


@simulated
async def test_the_api_says_what_is_wrong_and_status_remembers_it_until_it_is_mended() -> None:
    stage, files = staged(STEERED)
    async with stage.play():
        files.broken = True
        refused = await ask(stage, "POST", "/config/reload")
        assert (refused.status, refused.content["code"]) == (422, "CFG090")
        assert "nonsense" in refused.content["title"]
        assert "nonsense" in (await ask(stage, "GET", "/status")).content["reload_problem"]
        files.broken = False
        assert (await ask(stage, "POST", "/config/reload")).status == 200
        assert (await ask(stage, "GET", "/status")).content["reload_problem"] is None


@simulated
async def test_what_the_api_takes_goes_by_the_new_lists() -> None:
    stage, files = staged(STEERED)
    async with stage.play() as run:
        relay(files, deny_recipients=["bob@ill.example"])
        run.reload()
        await trio.sleep(1)
        assert (await ask(stage, "POST", "/messages", message("bob@ill.example"))).status == 422
