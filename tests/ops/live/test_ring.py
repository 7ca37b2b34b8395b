"""The newest records are kept, and every one that is not is counted."""

from hypothesis import given
from hypothesis import strategies as st

from empath.ops.live.ring import Ring


@given(
    st.integers(1, 5),
    st.integers(3, 20),
    st.lists(st.one_of(st.text("x", min_size=1, max_size=4), st.integers(1, 3), st.just("look")), max_size=30),
)
def test_a_viewer_gets_each_record_or_it_is_counted(max_records: int, max_bytes: int, steps: list[str | int]) -> None:
    ring, position, told, came = Ring(max_records=max_records, max_bytes=max_bytes), 0, 0, list[str]()
    sent = 0
    for step in (*steps, "look"):
        if step == "look":
            missing, texts = ring.since(position)
            position = ring.end
            told += missing
            came += texts
            assert len(texts) <= max_records
            assert sum(map(len, texts)) <= max_bytes
        elif isinstance(step, int):
            ring.skip(step)
            sent += step
        else:
            ring.add(step)
            sent += 1
    assert told + len(came) == sent


def test_the_oldest_ones_are_dropped() -> None:
    ring = Ring(max_records=2, max_bytes=100)
    for text in ("a", "b", "c"):
        ring.add(text)
    assert ring.since(0) == (1, ["b", "c"])
    assert ring.since(2) == (0, ["c"])
