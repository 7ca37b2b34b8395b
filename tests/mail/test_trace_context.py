"""The trace that a message belongs to (W3C Trace Context)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.ids import MessageId
from empath.mail.trace_context import TraceContext, span_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "context"),
    [
        (f"00-{TRACE}-{SPAN}-01", TraceContext(TRACE, SPAN, is_sampled=True)),
        (f"00-{TRACE}-{SPAN}-00", TraceContext(TRACE, SPAN, is_sampled=False)),
        (f" 00-{TRACE}-{SPAN}-03 ", TraceContext(TRACE, SPAN, is_sampled=True)),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", TraceContext(TRACE, SPAN, is_sampled=True)),
    ],
)
def test_what_a_sender_says_is_understood(text: str, context: TraceContext) -> None:
    assert TraceContext.parse(text) == context


@pytest.mark.parametrize(
    "text",
    [
        "",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\r\nX: y",
    ],
)
def test_what_is_no_trace_is_ignored(text: str) -> None:
    assert TraceContext.parse(text) is None


@given(st.text())
def test_whatever_is_sent_is_understood_or_ignored(text: str) -> None:
    found = TraceContext.parse(text)
    assert found is None or TraceContext.parse(str(found)) == found


MIDS = st.builds(MessageId, st.integers(0, 2**32 - 1), st.integers(0, 2**40 - 1))


@given(MIDS, st.floats(0, 1))
def test_a_message_begins_the_same_trace_in_every_process(mid: MessageId, ratio: float) -> None:
    context = TraceContext.begin(mid, ratio)
    assert context == TraceContext.begin(mid, ratio) == TraceContext.decode(str(context))
    assert (len(context.trace_id), context.parent_id) == (32, "")
    assert len(span_id(mid, "a")) == 16
    assert span_id(mid, "a") != span_id(mid, "b")


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (0.5, 400, 600), (1.0, 1000, 1000)])
def test_so_many_are_sampled(ratio: float, least: int, most: int) -> None:
    sampled = sum(TraceContext.begin(MessageId(1, number), ratio).is_sampled for number in range(1000))
    assert least <= sampled <= most
