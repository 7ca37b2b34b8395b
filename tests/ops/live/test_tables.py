"""Who applies what he is sent sees what is there."""

from hypothesis import given
from hypothesis import strategies as st

from empath.ops.live.choosing import Choice, Filter
from empath.ops.live.feed import NO_TABLE, Feed
from empath.ops.live.tables import Rows, applied, difference, kept_alike
from tests.ops.live.frames import Screen

VALUES = st.one_of(st.integers(0, 3), st.sampled_from(["a", "ab", "b", ""]), st.lists(st.integers(0, 2), max_size=2))
ROWS = st.dictionaries(st.sampled_from("xyz"), st.dictionaries(st.sampled_from("pqr"), VALUES, max_size=3), max_size=3)
CHOICES = st.builds(
    Choice,
    filter=st.dictionaries(st.sampled_from("pq"), st.sampled_from(["a*", "*b", "1"]), max_size=1).map(Filter.of),
    sort=st.sampled_from(["", "p", "-q"]),
    limit=st.one_of(st.none(), st.integers(1, 2)),
)


@given(ROWS, ROWS)
def test_a_difference_makes_one_table_out_of_the_other(before: Rows, after: Rows) -> None:
    found = difference(before, after)
    assert applied(before, found.changed, found.gone) == after
    assert bool(found) == (before != after)


@given(ROWS, ROWS)
def test_a_difference_says_nothing_that_was_known(before: Rows, after: Rows) -> None:
    for key, fields in difference(before, after).changed.items():
        assert all(before.get(key, {}).get(name, None) != value for name, value in fields.items())


@given(ROWS, ROWS)
def test_rows_that_are_equal_are_kept(before: Rows, after: Rows) -> None:
    found = kept_alike(before, after)
    assert found == after
    assert all(found[key] is before[key] for key in found if before.get(key) == found[key])


@given(CHOICES, st.lists(st.tuples(ROWS, st.sets(st.integers(0, 2))), max_size=8))
def test_every_viewer_sees_the_table_however_seldom_he_looks(
    choice: Choice, builds: list[tuple[Rows, set[int]]]
) -> None:
    feed, screens = Feed(choice), [Screen() for _ in range(3)]
    for rows, looking in builds:
        feed.take(rows)
        for number in looking:
            screens[number].look(feed)
            assert screens[number].rows == choice.of(rows)


def test_what_was_encoded_for_one_viewer_serves_the_next() -> None:
    feed = Feed(Choice())
    feed.take({"x": {"p": 1}})
    first = feed.table
    feed.take({"x": {"p": 2}})
    assert feed.since(first) is feed.since(first)
    assert feed.since(NO_TABLE) is feed.since(NO_TABLE)


def test_a_table_that_has_not_changed_is_not_sent_again() -> None:
    feed = Feed(Choice())
    feed.take({"x": {"p": 1}})
    first = feed.table
    feed.take({"x": {"p": 1}})
    assert feed.table is first


def test_the_rows_with_most_of_a_field_come_first() -> None:
    rows: Rows = {"x": {"p": 1}, "y": {"p": 30}, "z": {}}
    assert list(Choice(sort="p", limit=2).of(rows)) == ["y", "x"]
    assert list(Choice(sort="-p", limit=1).of(rows)) == ["x"]
    assert list(Choice(sort="p", limit=3).of(rows)) == ["x", "y", "z"]


def test_a_star_stands_for_anything_and_capitals_are_nothing() -> None:
    row = {"lane": "Mail.Example", "open": True, "recipients": ["a@b.example", "c@d.example"]}
    fits: list[dict[str, object]] = [
        {"lane": "mail.example"},
        {"lane": "m*l.*e"},
        {"lane": ["x", "mail*"]},
        {"open": True},
        {"recipients": "*@d.example"},
        {"missing": ""},
        {"lane": "*"},
    ]
    assert all(Filter.of(said).lets_through(row) for said in fits)
    misses: list[dict[str, object]] = [{"lane": "mail"}, {"lane": "mail.exampleexample*"}, {"open": False}, {"a": "b"}]
    assert not any(Filter.of(said).lets_through(row) for said in misses)


@given(st.text("ab", max_size=8), st.text("ab*", max_size=6))
def test_stars_are_understood_as_everybody_does(value: str, wanted: str) -> None:
    def like(value: str, wanted: str) -> bool:
        if not wanted or not value:
            return not value and not wanted.strip("*")
        if wanted[0] == "*":
            return like(value, wanted[1:]) or like(value[1:], wanted)
        return value[0] == wanted[0] and like(value[1:], wanted[1:])

    assert Filter.of({"x": wanted}).lets_through({"x": value}) == like(value, wanted)
