"""How long a client may take: for content that has to keep coming, and for an answer to what it did wrong.

Content has an allowance of time that its octets renew. An octet is worth ``1 / rate`` seconds, and the allowance never
exceeds what a pause may last. So a client above the rate never notices; one below it lives on its allowance for a
while, and one that stops has the length of a pause. It is a token bucket (`empath.policy.bucket`) of time: what came
fast is not saved up for later, beyond that one pause.
"""

from __future__ import annotations

from math import inf

from attrs import define, field, frozen


@define(eq=False)
class ContentPace:
    """The deadline of the content at hand. ``begin`` it with each message; times are of the monotonic clock."""

    pause_s: float
    """The longest pause."""
    rate_bytes_per_s: float
    """The least rate; 0: none, and only pauses count."""
    deadline: float = field(init=False, default=inf)
    """When the content has to have gone on."""

    def begin(self, now: float) -> None:
        """Content is about to come."""
        self.deadline = now + self.pause_s

    def excuse(self, duration_s: float) -> None:
        """It was not the client that took so long."""
        self.deadline += duration_s

    def advance(self, size_bytes: int, now: float) -> None:
        """So much of it has come."""
        earned_s = size_bytes / self.rate_bytes_per_s if self.rate_bytes_per_s else inf
        self.deadline = min(self.deadline + earned_s, now + self.pause_s)


@frozen
class Penalty:
    """Answers to a client that errs come late, and ever later: it is to find little out in the time it has."""

    after: int
    """So many refusals are answered at once."""
    step_s: float
    """What each further one adds."""

    def delay_s(self, errors: int) -> float:
        """How long the answer waits, with so many refusals, the one at hand included."""
        return max(0, errors - self.after) * self.step_s
