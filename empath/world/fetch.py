"""HTTP through the doors that are already here.

The protocol is httpcore2's, the engine of httpx2, which lets others bring the network: names are resolved by our
resolver, with the servers that the operator chose, and connections and TLS are ours. httpx2 itself would add URLs,
redirects, cookies, proxies from the environment and content decoding, of which nothing is wanted here; a policy host
has no business sending us a compressed megabyte or to another place (RFC 8461 3.3).

The library is imported with the first fetch, and only by `empath.world.http`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trio
from attrs import define, field, frozen

from empath.world.endpoint import TcpEndpoint
from empath.world.errors import ConnectFailed, FetchFailed, WorldError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from empath.world.ports import Connection, FetchLimits, FetchResponse, Network, Resolver

LOCALHOST = "localhost"


@frozen
class Request:
    """What is asked of a server, and how much it may answer."""

    method: str
    url: str
    body: bytes | None = field(kw_only=True, repr=False)
    headers: Mapping[str, str] = field(kw_only=True)
    size_limit_bytes: int = field(kw_only=True)


@define(eq=False)
class HttpFetch:
    """The real fetch. ``context`` returns a verifying context that nobody else has: the library writes its protocol
    list (ALPN) into it. It is asked for with each fetch, since other authorities may be trusted by then.
    """

    network: Network
    resolver: Resolver
    context: Callable[[], ssl.SSLContext]

    async def get(self, url: str, limits: FetchLimits) -> FetchResponse:
        """Fetch a document."""
        return await self._fetch("GET", url, limits)

    async def post(
        self, url: str, body: bytes, limits: FetchLimits, *, headers: Mapping[str, str] | None = None
    ) -> FetchResponse:
        """Send a body and return the answer."""
        return await self._fetch("POST", url, limits, body=body, headers=headers)

    async def dial(self, host: str, port: int) -> Connection:
        """Connect to the first address of a host that takes the connection. Raises `WorldError`."""
        if _is_ip_address(host):
            return await self.network.connect(TcpEndpoint(host, port))
        addresses = ["127.0.0.1", "::1"] if host == LOCALHOST else (await self.resolver.addresses(host)).records
        *others, last = addresses
        for address in others:
            try:
                return await self.network.connect(TcpEndpoint(address, port))
            except ConnectFailed:
                continue
        return await self.network.connect(TcpEndpoint(last, port))

    async def _fetch(
        self,
        method: str,
        url: str,
        limits: FetchLimits,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> FetchResponse:
        # Two megabytes and 40 ms that most installations never need.
        from empath.world.http import exchange  # noqa: PLC0415 - late on purpose, see above

        refuse_clear_text(url)
        request = Request(method, url, body=body, headers=headers or {}, size_limit_bytes=limits.size_bytes)
        try:
            with trio.fail_after(limits.timeout_s):
                return await exchange(request, self.dial, self.context())
        except trio.TooSlowError as error:
            raise FetchFailed(url, f"not finished within {limits.timeout_s:g} s") from error
        except FetchFailed:
            raise
        except WorldError as error:
            raise FetchFailed(url, str(error)) from error


def refuse_clear_text(url: str) -> None:
    """Refuse what would cross a network without encryption, and what has no host. Raises FetchFailed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise FetchFailed(url, f"not a URL: {error}") from error
    here = host == LOCALHOST or (_is_ip_address(host) and TcpEndpoint(host, 0).is_loopback)
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        raise FetchFailed(url, "only https is fetched, and http from this machine itself")


def _is_ip_address(host: str) -> bool:
    try:
        TcpEndpoint(host, 0)
    except ValueError:
        return False
    return True
