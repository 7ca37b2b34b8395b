"""How many messages and recipients a client may bring in a given time, and a user who has logged in.

A user counts by name, wherever the login comes from and however many others come from there. Everybody else counts by
address (`empath.policy.reception.prefix`). A message counts when it begins, a recipient when it is accepted: what was
refused for another reason uses nothing up, unless it was a hook that refused it.
"""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field, frozen

from empath.config.schema import LimitSettings, Rate
from empath.ingress.client import Client
from empath.policy.quota import Quota
from empath.policy.reception.prefix import Prefixes


def quota(rate: Rate | None, limits: LimitSettings) -> Quota | None:
    """A rate of the configuration for each of many: ``"200/min"`` lets 200 through at once, and then 200 a minute."""
    return None if rate is None else Quota(rate.per_second, rate.at_once, limits.max_tracked_clients)


def prefixes(limits: LimitSettings) -> Prefixes:
    """What makes clients one client, and a network."""
    return Prefixes(limits.ipv4_prefix, limits.ipv6_prefix)


@frozen
class _Pair:
    """One thing that is counted: for strangers by address, for users by name."""

    by_client: Quota | None
    by_user: Quota | None


@define(eq=False)
class Quotas:
    """The counts that all listeners share."""

    _limits: LimitSettings = field(factory=LimitSettings)
    _clock: Callable[[], float] = field(default=trio.current_time, kw_only=True)
    """Monotonic."""
    _prefixes: Prefixes = field(init=False)
    _messages: _Pair = field(init=False)
    _recipients: _Pair = field(init=False)

    def __attrs_post_init__(self) -> None:
        limits = self._limits
        self._prefixes = prefixes(limits)
        self._messages = _Pair(quota(limits.messages_per_client, limits), quota(limits.messages_per_user, limits))
        self._recipients = _Pair(quota(limits.recipients_per_client, limits), quota(limits.recipients_per_user, limits))

    def take_message(self, client: Client) -> bool:
        """Whether this client may begin a message now; if so, it is counted."""
        return self._take(self._messages, client)

    def take_recipient(self, client: Client) -> bool:
        """Whether this client may name one more recipient now; if so, it is counted."""
        return self._take(self._recipients, client)

    def _take(self, pair: _Pair, client: Client) -> bool:
        if client.login is not None:
            return pair.by_user is None or pair.by_user.take(client.login, self._clock())
        return pair.by_client is None or pair.by_client.take(self._prefixes.client(client.ip), self._clock())
