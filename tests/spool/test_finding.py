"""What spares a search the rows that it cannot mean: it never spares one that it could."""

import re
from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import given

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.progress import Progress, encode_progress
from empath.mail.waiting import WaitReason
from empath.smtp import Reply
from empath.spool.contract import Selector, reply_matches
from empath.spool.finding import Ages, By, Condition, replies
from empath.spool.finding.ages import MOST
from empath.spool.finding.conditions import ALL, conditions_of

moments = st.floats(0, 100, allow_nan=False)
patterns = st.text(alphabet="ab4KſïİΩ .-*?[]!%_", max_size=8)
texts = st.text(alphabet="abAB4kKſïİıΩω .-!%_[]", max_size=12)


class Known:
    """A store with these replies, and so much that is due."""

    def __init__(self, *known: str | None, is_little_due: bool = True) -> None:
        self.known, self.little = known, is_little_due

    def replies(self, beginning: str, most: int) -> list[str | None] | None:
        found = [text for text in self.known if text is None or text.startswith(beginning)]
        return None if len(found) > most else found

    def is_little_due(self, _now: float) -> bool:
        return self.little


@given(st.lists(st.tuples(st.integers(0, 60_000), moments), max_size=40), moments, moments, st.booleans())
def test_ages_pass_over_no_message_of_the_age_that_is_asked_for(
    messages: list[tuple[int, float]], after: float, before: float, is_opened: bool
) -> None:
    ages = Ages()
    if is_opened and messages:
        numbers = [number for number, _ in messages]
        ages.expect(min(numbers), max(numbers))
    for number, received in messages:
        ages.add(number, received)
    selector = Selector(received_after=after, received_before=before)
    meant = sorted(number for number, received in messages if after <= received < before)
    found, at = set[int](), ages.next(selector, 0)
    while at is not None:
        run = at >> ages.bits
        found.update(one for one in meant if one >> ages.bits == run)
        at = ages.next(selector, (run + 1) << ages.bits)
    assert found == set(meant)


def test_ages_are_bounded_however_many_messages_come_and_pass_over_nothing() -> None:
    ages = Ages()
    for run in range(3 * MOST):
        ages.add(run << 10, float(run))
    assert len(ages._runs) <= MOST
    assert ages.next(Selector(received_after=3 * MOST - 1.0), 0) in range((3 * MOST - 5) << 10, 3 * MOST << 10)
    assert ages.next(Selector(received_after=3.0 * MOST), 0) is None
    assert ages.next(Selector(), 77) == 77


def test_the_age_of_what_an_earlier_version_has_written_is_not_known() -> None:
    ages = Ages()
    ages.add_run(0, -inf, inf)
    assert ages.next(Selector(received_before=0.0), 5) == 5


@given(patterns, texts)
def test_what_a_pattern_means_begins_with_its_literal_part(pattern: str, text: str) -> None:
    if reply_matches(pattern, text):
        assert text.startswith(replies.literal(pattern))


@given(patterns, texts)
def test_what_a_pattern_means_is_like_its_longest_part(pattern: str, text: str) -> None:
    if reply_matches(pattern, text):
        assert is_like(replies.like(pattern), text)


def is_like(like: str, text: str) -> bool:
    """What LIKE says, as SQLite and PostgreSQL compare octets: letters of ASCII in any case."""
    words = {"%": ".*", "_": "."}
    expression = re.sub(
        "!(.)|(.)", lambda one: re.escape(one[1]) if one[1] else words.get(one[2], re.escape(one[2])), like
    )
    return re.fullmatch(f"(?ais){expression}", text) is not None


def test_of_a_long_reply_the_beginning_is_kept_and_it_may_always_be_meant() -> None:
    reply = Reply(451, ("x" * 400,))
    last = encode_progress(Progress(last=Diagnosis(kind=Kind.DNS, phase=Phase.RCPT, reply=reply, text="")))
    kept = replies.kept(last)
    assert len(kept) == replies.MOST_CHARACTERS
    assert replies.meant("*nobody says so*", [kept, "short"]) == [kept]
    assert replies.kept(b"") == ""


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Selector(reply="452*"), (Condition(By.REPLY, "452 full"),)),
        (Selector(reply="*late*"), (Condition(By.REPLY, "451 later"), Condition(By.REPLY, None))),
        (Selector(reply="999*"), (Condition(By.REPLY, "999*"),)),
        (Selector(reply="*"), ALL),
        (Selector(reasons=frozenset({WaitReason.DUE})), (Condition(By.DUE, 7.0),)),
        (Selector(reasons=frozenset({WaitReason.BREAKER_OPEN})), ()),
        (Selector(priorities=frozenset({0, 3})), ALL),
        (Selector(), ALL),
    ],
)
def test_the_condition_that_fewest_meet_is_looked_up(selector: Selector, expected: tuple[Condition, ...]) -> None:
    none = (None,) if selector.reply == "*late*" else ()
    assert conditions_of(selector, Known("451 later", "452 full", *none), 7.0) == expected


def test_with_too_many_replies_or_too_much_due_all_is_gone_through() -> None:
    many = Known(*(f"451 {number}" for number in range(replies.MOST + 1)), is_little_due=False)
    assert conditions_of(Selector(reply="*7"), many, 0.0) == ALL
    assert conditions_of(Selector(reasons=frozenset({WaitReason.DUE})), many, 0.0) == ALL
