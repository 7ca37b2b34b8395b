"""HTTP answers from a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import trio
from attrs import define, field, frozen

from empath.world import FetchFailed, FetchResponse, FetchTooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from empath.world import FetchLimits


@frozen
class Silence:
    """The answer of a server that never answers."""


@frozen
class Refusal:
    """The answer of a server that cannot be talked to, for this reason."""

    reason: str


Reaction: TypeAlias = FetchResponse | Silence | Refusal


@frozen
class Posted:
    """What somebody has sent with ``post``."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@define(eq=False)
class TableFetch:
    """Reacts to URLs as ``pages`` says; to others as to a host that does not exist. ``posted`` keeps what was sent."""

    pages: dict[str, Reaction] = field(init=False, factory=dict)
    posted: list[Posted] = field(init=False, factory=list)

    async def get(self, url: str, limits: FetchLimits) -> FetchResponse:
        """Return the page for this URL."""
        return await self._react(url, limits)

    async def post(
        self, url: str, body: bytes, limits: FetchLimits, *, headers: Mapping[str, str] | None = None
    ) -> FetchResponse:
        """Keep what was sent and return the page for this URL."""
        self.posted.append(Posted(url, body, dict(headers or {})))
        return await self._react(url, limits)

    async def _react(self, url: str, limits: FetchLimits) -> FetchResponse:
        await trio.lowlevel.checkpoint()
        match self.pages.get(url, Refusal("no such domain")):
            case Silence():
                await trio.sleep(limits.timeout_s)
                raise FetchFailed(url, f"not finished within {limits.timeout_s:g} s")
            case Refusal(reason):
                raise FetchFailed(url, reason)
            case FetchResponse() as response if len(response.body) <= limits.size_bytes:
                return response
            case _:
                raise FetchTooLarge(url, f"the answer is longer than {limits.size_bytes} bytes")
