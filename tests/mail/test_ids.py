"""Names of messages, sessions and deliveries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.ids import NUMBER_BITS, DeliveryId, MessageId, SessionId

NUMBERS = st.integers(0, (1 << NUMBER_BITS) - 1)
MOMENTS = st.floats(0, 4_000_000_000)


def test_a_name_is_the_second_and_the_number_in_hexadecimal() -> None:
    assert str(MessageId.make(1762772405.9, 42)) == "6911c5b5-2a"


@given(MOMENTS, NUMBERS)
def test_what_is_written_is_read_again(now: float, number: int) -> None:
    name = MessageId.make(now, number)
    assert MessageId.parse(str(name)) == name
    assert DeliveryId.parse(str(DeliveryId(name, 7))) == DeliveryId(name, 7)


@given(MOMENTS, MOMENTS, NUMBERS, NUMBERS)
def test_names_sort_by_age_as_values_and_as_text(one: float, other: float, first: int, second: int) -> None:
    a, b = MessageId.make(one, first), MessageId.make(other, second)
    if a.seconds < b.seconds:
        assert a < b
        assert str(a) < str(b)


@pytest.mark.parametrize("now", [-5.0, 1e12])
def test_a_wrong_clock_does_not_stop_mail(now: float) -> None:
    name = MessageId.make(now, 1)
    assert MessageId.parse(str(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "6911c5b5", "6911c5b5-", "6911C5B5-2a", "6911c5b5-02a", "911c5b5-2a", "6911c5b5-10000000000a"),
        *("6911c5b5-2a ", "6911c5b5-2a\n", "\u0666911c5b5-2a", "../../etc-2a"),
    ],
)
def test_a_name_has_one_spelling_and_nothing_else_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="such as 6911c5b5-2a"):
        MessageId.parse(text)


@pytest.mark.parametrize("text", ["6911c5b5-2a", "6911c5b5-2a.", "6911c5b5-2a.01", "6911c5b5-2a.1.1", "6911c5b5-2a.-1"])
def test_nothing_else_is_the_name_of_a_delivery(text: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        DeliveryId.parse(text)


def test_a_number_beyond_its_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="no name"):
        MessageId(0, 1 << NUMBER_BITS)


def test_a_session_is_never_taken_for_a_message() -> None:
    names: set[object] = {SessionId(1, 2), MessageId(1, 2)}
    assert len(names) == 2
