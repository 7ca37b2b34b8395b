"""The same octets in other segments: what a network may do to a stream, made from a number."""

from collections.abc import Iterator


def cut(octets: bytes, seed: int) -> Iterator[bytes]:
    """Yield ``octets`` in non-empty segments of 1 to ``seed % 16 + 1`` octets; with a seed of 0, 16, ... one by one."""
    longest = seed % 16 + 1
    start = 0
    while start < len(octets):
        seed = seed * 75 % 65537 + 74
        size = 1 + seed % longest
        yield octets[start : start + size]
        start += size
