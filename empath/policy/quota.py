"""A rate for each of many: a token bucket for every key, in a table that has a bound.

A bucket that is full again is as good as a new one, so nothing is lost when it is forgotten. When the table has no room
those are forgotten first that lack the least, which are the full ones if there are any. So nobody can shake off what he
has used up by filling the table with other keys: each of these would have to use up more than he has himself.

Forgetting takes a tenth of the table at once. A stream of new keys then costs each of them ten comparisons or so, and
not a walk through the table.
"""

from __future__ import annotations

from heapq import nsmallest

from attrs import define, field

from empath.policy.bucket import TokenBucket

_SHARE = 10
"""One key in so many is forgotten when there is no room."""


@define(eq=False)
class Quota:
    """Lets each key take ``rate_per_s`` a second, and ``burst`` at once. It remembers ``max_keys`` of them."""

    rate_per_s: float
    burst: int
    max_keys: int
    _buckets: dict[str, TokenBucket] = field(init=False, factory=dict)

    def __len__(self) -> int:
        """How many keys are remembered; never more than ``max_keys``."""
        return len(self._buckets)

    def take(self, key: str, now: float) -> bool:
        """Take a token of this key, if it has one. ``now`` is of a clock that does not go back."""
        return self.bucket(key).take(now)

    def reserve(self, key: str, now: float) -> float:
        """Take the next token that this key will have; from when on it has it."""
        bucket = self.bucket(key)
        moment = max(now, bucket.ready_at)
        bucket.take(moment)
        return moment

    def bucket(self, key: str) -> TokenBucket:
        """The bucket of this key. To be used at once: it may be forgotten for the next key."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self.max_keys:
                self._forget()
            bucket = self._buckets[key] = TokenBucket(self.rate_per_s, self.burst)
        return bucket

    def give_back(self, key: str) -> None:
        """Undo a ``take`` of this key, as long as it is remembered."""
        if (bucket := self._buckets.get(key)) is not None:
            bucket.give_back()

    def _forget(self) -> None:
        buckets = self._buckets
        for key in nsmallest(max(1, self.max_keys // _SHARE), buckets, key=lambda key: buckets[key].full_at):
            del buckets[key]
