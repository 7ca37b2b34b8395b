"""Which overlays over limits are refused, and in what words."""

import pytest

from empath.policy.steering import Scope
from empath.policy.steering.overlay import objection


@pytest.mark.parametrize(
    ("scope", "rate_per_s", "connections", "site", "expected"),
    [
        (Scope(lane="google"), 1.0, 3, None, None),
        (Scope(), 1.0, None, None, None),
        (Scope(lane="google"), None, None, None, "sets a rate, a number of connections, or both"),
        (Scope(lane="google"), 0.0, None, None, "above 0"),
        (Scope(lane="google"), None, 0, None, "at least 1"),
        (Scope(sender="a@example.org"), 1.0, None, None, "not of senders"),
        (Scope(domain="example.org"), 1.0, 3, "example.org", None),
        (Scope(domain="gmail.com"), 1.0, None, "google", None),
        (Scope(domain="gmail.com", lane="google"), 1.0, None, "google", None),
        (Scope(domain="gmail.com"), None, 3, "google", "set them for the lane google, or set a rate for the domain"),
        (Scope(domain="gmail.com", lane="other"), 1.0, None, "google", "goes by the lane google, not by other"),
    ],
)
def test_what_cannot_hold_is_refused_with_what_can(
    scope: Scope, rate_per_s: float | None, connections: int | None, site: str | None, expected: str | None
) -> None:
    found = objection(scope, rate_per_s=rate_per_s, connections=connections, site=site)
    assert (expected or "") in (found or "")
    assert (found is None) is (expected is None)
