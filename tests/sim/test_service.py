"""A worker is taken out of service and back, and its connections are seen and closed."""

import trio

from empath.mail.operator_facts import RuleEnded, RuleSet
from tests.sim.stage import SENDER, Stage, simulated
from tests.sim.test_api import STEERED, ask, message


@simulated
async def test_drained_it_takes_and_attempts_nothing_and_what_is_under_way_comes_to_its_end() -> None:
    stage = Stage(1, STEERED)
    slow, quick = stage.site("slow.example"), stage.site("quick.example")
    slow.pause_s = 5
    async with stage.play():
        await stage.send("m1", "bob@slow.example")
        await trio.sleep(1)
        drained = (await ask(stage, "PUT", "/drain", {"reason": "new kernel"})).content
        assert (drained["draining"], drained["reason"], drained["safe_to_stop"]) == (True, "new kernel", False)
        assert drained["deliveries"] == 1
        refused = await stage.client.submit("m2", sender=SENDER, recipients=("bob@quick.example",))
        assert str(refused).startswith("421 4.3.2 ")
        handed = await ask(stage, "POST", "/messages", message("bob@quick.example"))
        assert (handed.status, handed.content["code"]) == (503, "MSG003")
        status = (await ask(stage, "GET", "/status")).content
        assert (status["state"], status["ready"], status["failing"]) == ("draining", False, ["accepting"])
        await trio.sleep(60)
        assert (await ask(stage, "GET", "/drain")).content["safe_to_stop"] is True
        assert len(slow.taken) == 1
        undrained = (await ask(stage, "DELETE", "/drain")).content
        assert (undrained["draining"], undrained["safe_to_stop"]) == (False, False)
        await stage.send("m3", "bob@quick.example")
        await trio.sleep(10)
        assert len(quick.taken) == 1
        assert (await ask(stage, "GET", "/status")).content["state"] == "running"
    assert [(fact.kind, fact.why) for fact in stage.facts if isinstance(fact, RuleSet)] == [("drain", "new kernel")]
    assert [fact.kind for fact in stage.facts if isinstance(fact, RuleEnded)] == ["drain"]


@simulated
async def test_what_waits_while_drained_says_so_and_goes_out_after_a_restart() -> None:
    stage = Stage(1, STEERED)
    slow = stage.site("slow.example")
    slow.pause_s = 2
    async with stage.play():
        for number in range(30):
            await stage.send(f"m{number}", f"bob{number}@slow.example")
        await trio.sleep(1)
        await ask(stage, "PUT", "/drain", {})
        await trio.sleep(60)
        waiting = (await ask(stage, "GET", "/drain")).content["waiting"]
        assert 0 < waiting == 30 - len(slow.taken)
        mid = (await ask(stage, "GET", "/messages")).content["deliveries"][0]["mid"]
        story = (await ask(stage, "GET", f"/explain?about={mid}")).content["deliveries"][0]
        assert story["wait"]["reason"] == "draining"
        ending = await ask(stage, "DELETE", "/suspensions/dr-1")
        assert (ending.status, ending.content["try"]) == (409, "empathctl undrain")
    async with stage.play():
        assert (await ask(stage, "GET", "/drain")).content["draining"] is False
        await trio.sleep(120)
    assert len(slow.taken) == 30
    assert stage.breaches() == []


@simulated
async def test_connections_are_listed_and_closed_after_what_they_carry() -> None:
    stage = Stage(1, STEERED)
    slow, quick = stage.site("slow.example"), stage.site("quick.example")
    slow.pause_s = 4
    async with stage.play():
        await stage.send("m1", "bob@slow.example")
        await stage.send("m2", "bob@quick.example")
        await trio.sleep(10)
        first, second = (await ask(stage, "GET", "/pool")).content["connections"]
        assert {one["lane"]: one["stage"] == "idle" for one in (first, second)} == {
            "slow.example": False,
            "quick.example": True,
        }
        busy = first if first["lane"] == "slow.example" else second
        assert (busy["host"], busy["messages"], busy["busy_s"] > 0) == ("mx1.slow.example", 1, True)
        assert (await ask(stage, "POST", "/pool/close", {})).status == 422
        tried = await ask(stage, "POST", "/pool/close", {"all": True, "dry_run": True})
        assert tried.content["count"] == 2
        assert len((await ask(stage, "GET", "/pool")).content["connections"]) == 2
        assert (await ask(stage, "POST", "/pool/close", {"lane": "quick.example"})).content["count"] == 1
        await trio.sleep(1)
        assert [one["lane"] for one in (await ask(stage, "GET", "/pool")).content["connections"]] == ["slow.example"]
        assert (await ask(stage, "POST", "/pool/close", {"host": "mx1.slow.example"})).content["count"] == 1
        await trio.sleep(60)
        assert (await ask(stage, "GET", "/pool")).content["connections"] == []
    assert (len(slow.taken), len(quick.taken)) == (1, 1)
    assert stage.breaches() == []


@simulated
async def test_the_mail_of_a_domain_goes_to_the_host_that_somebody_names_until_that_is_ended() -> None:
    stage = Stage(1, STEERED)
    own, other = stage.site("moved.example"), stage.site("backup.example")
    async with stage.play():
        await ask(stage, "POST", "/suspensions", {"domain": "moved.example"})
        await stage.send("m1", "bob@moved.example")
        await trio.sleep(5)
        said = {"next_hop": "mx1.backup.example:25", "reason": "they move", "for": "1h"}
        named = await ask(stage, "PUT", "/dns/overrides/Moved.example", said)
        assert (named.status, named.content["id"], named.content["domain"]) == (200, "rt-1", "moved.example")
        await ask(stage, "DELETE", "/suspensions/sd-1")
        await trio.sleep(10)
        assert (len(own.taken), len(other.taken)) == (0, 1)
        (shown,) = (await ask(stage, "GET", "/dns/overrides")).content["overrides"]
        assert (shown["next_hop"], shown["reason"], shown["by"].startswith("unix:")) == (
            "mx1.backup.example:25",
            "they move",
            True,
        )
        assert (await ask(stage, "GET", "/rules")).content["rules"][0]["kind"] == "route"
        assert (await ask(stage, "PUT", "/dns/overrides/x", {"next_hop": "no host"})).status == 422
        assert (await ask(stage, "DELETE", "/dns/overrides/other.example")).status == 404
    async with stage.play():
        await stage.send("m2", "bob@moved.example")
        await trio.sleep(10)
        assert (len(own.taken), len(other.taken)) == (0, 2)
        assert (await ask(stage, "DELETE", "/dns/overrides/moved.example")).status == 200
        await stage.send("m3", "bob@moved.example")
        await trio.sleep(10)
        assert (len(own.taken), len(other.taken)) == (1, 2)
        brief = {"next_hop": "mx1.backup.example:25", "for": "10m"}
        assert (await ask(stage, "PUT", "/dns/overrides/moved.example", brief)).status == 200
        await trio.sleep(700)
        await stage.send("m4", "bob@moved.example")
        await trio.sleep(10)
        assert (len(own.taken), len(other.taken)) == (2, 2)
    assert stage.breaches() == []
