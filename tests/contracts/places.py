"""Where the suites of connections run: networks with a client's and a server's view of them."""

from attrs import frozen

from empath.world import Connection, Endpoint, Network, TcpEndpoint, UnixEndpoint


@frozen
class Place:
    """A network as a client and as a server see it, and the addresses that the two have there."""

    client: Network
    server: Network
    server_host: str
    client_hosts: tuple[str, str]
    foreign_host: str
    path: UnixEndpoint

    @property
    def any_port(self) -> TcpEndpoint:
        return TcpEndpoint(self.server_host, 0)

    async def pair(self, where: Endpoint | None = None) -> tuple[Connection, Connection]:
        """Return both ends of a new connection, the dialling one first."""
        listener = await self.server.listen(where or self.any_port)
        try:
            client = await self.client.connect(listener.endpoint)
            return client, await listener.accept()
        finally:
            await listener.aclose()
