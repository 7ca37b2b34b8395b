"""The Spool contract, what is kept besides mail: the decisions of operators."""

import pytest

from empath.spool.contract import MAX_RULE_BYTES, Spool, SpoolError, StoredRule
from tests.contracts.spools import Machine


async def test_a_rule_is_kept_until_it_is_removed_and_there_is_one_of_a_name(spool: Spool) -> None:
    await spool.put_rule(StoredRule(id="sd-2", kind="suspension", body=b"two"))
    await spool.put_rule(StoredRule(id="sd-1", kind="suspension", body=b"one"))
    await spool.put_rule(StoredRule(id="sd-2", kind="overlay", body=b"\x00again"))
    assert await spool.rules() == [
        StoredRule(id="sd-1", kind="suspension", body=b"one"),
        StoredRule(id="sd-2", kind="overlay", body=b"\x00again"),
    ]
    assert await spool.remove_rule("sd-1")
    assert not await spool.remove_rule("sd-1")
    assert [rule.id for rule in await spool.rules()] == ["sd-2"]


async def test_rules_survive_a_loss_of_power(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for name in ("a", "b"):
            await spool.put_rule(StoredRule(id=name, kind="suspension", body=b"x"))
        await spool.remove_rule("a")
        machine.simulation.crash()
    async with machine.place.open() as spool:
        assert [rule.id for rule in await spool.rules()] == ["b"]


async def test_a_rule_that_is_too_large_is_refused(spool: Spool) -> None:
    await spool.put_rule(StoredRule(id="a", kind="x", body=bytes(MAX_RULE_BYTES)))
    with pytest.raises(SpoolError, match="at most"):
        await spool.put_rule(StoredRule(id="b", kind="x", body=bytes(MAX_RULE_BYTES + 1)))
    assert [rule.id for rule in await spool.rules()] == ["a"]


async def test_no_more_rules_are_kept_than_the_bound(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("empath.spool.operations.MAX_RULES", 2)
    for name in ("a", "b", "a"):
        await spool.put_rule(StoredRule(id=name, kind="x", body=b""))
    with pytest.raises(SpoolError, match="2 rules are kept already"):
        await spool.put_rule(StoredRule(id="c", kind="x", body=b""))
