"""Aliases: who stands for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.aliases import Aliases, AliasFault, AliasName
from empath.policy.reception.mailbox import mailbox_of
from empath.smtp import Address


def aliases(table: dict[str, str], *, most: int = 1000) -> Aliases:
    entries = {AliasName.parse(name): tuple(map(Address.parse, goals.split())) for name, goals in table.items()}
    return Aliases(entries=entries, domains=frozenset({"ours.example", "mx.ours.example"}), max_recipients=most)


def expand(table: dict[str, str], address: str) -> list[str]:
    return [str(one) for one in aliases(table).expand(Address.parse(address))]


def test_what_has_no_alias_stands_for_itself() -> None:
    assert expand({"sales@ours.example": "a@b.example"}, "Ann@ours.example") == ["Ann@ours.example"]


def test_an_alias_stands_for_one_address_or_many() -> None:
    table = {"sales@ours.example": "ann@ours.example bob@far.example"}
    assert expand(table, "SALES@Ours.Example") == ["ann@ours.example", "bob@far.example"]
    assert expand(table, '"sales"@ours.example') == ["ann@ours.example", "bob@far.example"]


def test_a_name_without_a_domain_counts_at_every_domain_of_ours_and_nowhere_else() -> None:
    table = {"abuse": "ann@ours.example"}
    assert expand(table, "abuse@ours.example") == expand(table, "abuse@mx.ours.example") == ["ann@ours.example"]
    assert expand(table, "abuse@far.example") == ["abuse@far.example"]


def test_the_address_comes_before_the_local_part_and_that_before_the_catch_all() -> None:
    table = {
        "abuse@ours.example": "exact@far.example",
        "abuse": "local@far.example",
        "@ours.example": "rest@far.example",
        "@mx.ours.example": "rest@far.example",
    }
    assert expand(table, "abuse@ours.example") == ["exact@far.example"]
    assert expand(table, "abuse@mx.ours.example") == ["local@far.example"]
    assert expand(table, "x@ours.example") == ["rest@far.example"]


def test_aliases_of_aliases_are_followed_and_each_recipient_comes_once() -> None:
    table = {
        "all@ours.example": "sales@ours.example ann@ours.example staff@ours.example",
        "sales@ours.example": "ann@ours.example bob@ours.example",
        "staff@ours.example": "Bob@ours.example sales@ours.example eve@far.example",
    }
    assert expand(table, "all@ours.example") == ["ann@ours.example", "bob@ours.example", "eve@far.example"]


@pytest.mark.parametrize("name", ["ann@ours.example", "ann", "@ours.example"])
def test_an_alias_that_names_its_own_address_keeps_a_copy_there(name: str) -> None:
    table = {name: "ann@ours.example archive@far.example"}
    assert expand(table, "ann@ours.example") == ["ann@ours.example", "archive@far.example"]
    assert list(aliases(table).faults()) == []


@pytest.mark.parametrize(
    "table",
    [
        {"a@ours.example": "b@ours.example", "b@ours.example": "a@ours.example"},
        {
            "a@ours.example": "b@ours.example",
            "b@ours.example": "c@ours.example",
            "c@ours.example": "a@ours.example x@y.z",
        },
        {"a@ours.example": "b@ours.example", "@ours.example": "a@ours.example"},
        {"a": "b@ours.example", "b": "a@mx.ours.example"},
    ],
)
def test_a_loop_is_a_fault(table: dict[str, str]) -> None:
    faults = list(aliases(table).faults())
    assert {fault.name for fault in faults} == set(aliases(table).entries)
    assert all("circle" in fault.problem for fault in faults)


def test_an_alias_that_grows_too_large_is_a_fault_and_found_without_growing() -> None:
    table = {f"l{level}@ours.example": f"l{level + 1}@ours.example " * 9 for level in range(60)}
    table["l60@ours.example"] = " ".join(f"u{number}@far.example" for number in range(150))
    faulty = aliases(table, most=100)
    assert "more than 100" in next(faulty.faults()).problem
    with pytest.raises(AliasFault, match=r"l60@ours\.example stands for more than 100 addresses"):
        faulty.expand(Address.parse("l60@ours.example"))


def test_a_chain_may_be_long() -> None:
    chain = {f"a{number}@ours.example": f"a{number + 1}@ours.example" for number in range(3000)}
    long = aliases(chain, most=5000)
    assert [str(one) for one in long.expand(Address.parse("a0@ours.example"))] == ["a3000@ours.example"]


NAMES = [f"{local}@ours.example" for local in "abcde"]


@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "a", "@ours.example"]),
        st.lists(st.sampled_from([*NAMES, "x@far.example"]), min_size=1),
    )
)
def test_every_table_either_has_a_fault_or_ends_in_addresses_each_of_them_once(table: dict[str, list[str]]) -> None:
    all_of_them = aliases({name: " ".join(goals) for name, goals in table.items()})
    if list(all_of_them.faults()):
        return
    for name in NAMES:
        goals = [mailbox_of(goal) for goal in all_of_them.expand(Address.parse(name))]
        assert goals
        assert len(set(goals)) == len(goals)


@pytest.mark.parametrize("text", ["", "@", "a b", "ann@", "@a..b", "ann@[x]", "a@b@c"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        AliasName.parse(text)


def test_a_name_is_shown_as_it_was_written() -> None:
    assert str(AliasName.parse("Sales@Ours.example")) == "Sales@Ours.example"
    assert AliasName.parse("sales").domain is None
    assert AliasName.parse("@Ours.example").domain == "ours.example"
