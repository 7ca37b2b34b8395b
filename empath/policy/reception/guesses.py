"""How often somebody may guess a password: failed logins, counted for each client and for each login.

A guess is counted before it is judged, and the count is taken back if it was right. So a thousand guesses that come at
once, in a thousand sessions, are a thousand guesses, and not one. What is over the limit is not judged at all: the
answer would tell whether the guess was right.

Somebody who guesses at the password of one user from many places locks that user out for a while. That is the price of
a limit for each user, and the reason for it to be generous.
"""

from __future__ import annotations

from attrs import define

from empath.policy.quota import Quota


@define(eq=False)
class Guesses:
    """Both counts. Times are of the monotonic clock."""

    _by_client: Quota
    _by_login: Quota

    def count(self, client: str, login: str, now: float) -> bool:
        """Count a guess that is about to be judged. False: there were too many, and it must not be."""
        return self._by_client.take(client, now) and self._by_login.take(login, now)

    def forgive(self, client: str, login: str) -> None:
        """The guess was right, or was not judged after all: it does not count."""
        self._by_client.give_back(client)
        self._by_login.give_back(login)
