"""The search of a job for a host that takes it, as far as it has come when we make it wait.

A connection may have to wait for the limit of its source address, which is known once its host is, or for that of a
try at the next host. The job waits for that in its lane, where it holds no place that others could use, and takes its
search with it: begun anew, it would find the same first host, and the next one at its limit again.
"""

from __future__ import annotations

from attrs import frozen

from empath.mail.failure import Failure
from empath.mail.waiting import WaitReason
from empath.policy.route import Target


@frozen
class Search:
    """Where it may go on."""

    untried: tuple[Target, ...]
    """At least one, the best first."""
    remaining_s: float
    """How long it may go on. What it waits for our own limits does not count."""
    failure: Failure | None
    """Of the host that was tried last; None: none was."""


class TooEarly(Exception):
    """The next connection would be one too many in this time. None was begun."""

    def __init__(self, search: Search, reason: WaitReason, until: float) -> None:
        """``reason``: which limit it is; ``until``: when to come again, on Trio's clock."""
        super().__init__(reason.value)
        self.search, self.reason, self.until = search, reason, until
