"""What is measured: sizes, sessions and rates, each case under the name that tables and command lines use."""

from attrs import evolve, frozen

KIB = 1024
MIB = 1024 * KIB
LEAST_MESSAGES = 20


@frozen(kw_only=True)
class Case:
    """One kind of load."""

    name: str
    messages: int
    size_bytes: int = KIB
    sessions: int = 20
    per_connection: int = 0
    """Messages on a connection; 0 is all of them."""
    rate_per_s: int = 0
    """Messages that start each second, whatever became of those before; 0 is as fast as replies come."""
    domains: int = 1
    """Recipient domains, in turn."""
    has_one_hop: bool = False
    """Whether all domains have the same next hop, a smart host; otherwise each has one with an address of its own."""
    in_a_row: int = 1
    """Messages before the next domain has its turn."""
    is_relay: bool = True
    """Whether the mail goes on to the sink; otherwise the MTA takes it durably and holds it."""
    is_encrypted: bool = False
    """Whether the source says STARTTLS."""
    is_hop_encrypted: bool = False
    """Whether the sink offers STARTTLS."""

    @property
    def next_hops(self) -> int:
        """Addresses that mail goes to."""
        return 1 if self.has_one_hop else self.domains

    @property
    def warm_up_messages(self) -> int:
        """Enough for processes to start, connections to open and caches to fill."""
        return max(LEAST_MESSAGES, min(300, self.messages // 10))

    def scaled(self, factor: float) -> "Case":
        """Return the same load with another number of messages."""
        return evolve(self, messages=max(LEAST_MESSAGES, round(self.messages * factor)))

    def describe(self) -> str:
        """Say in one line what is sent."""
        size = f"{self.size_bytes // MIB} MiB" if self.size_bytes >= MIB else f"{self.size_bytes // KIB} KiB"
        parts = [f"{self.messages} messages of {size}", f"{self.sessions} session{'s' * (self.sessions > 1)}"]
        if self.per_connection:
            parts.append(f"{self.per_connection} message{'s' * (self.per_connection > 1)} per connection")
        if self.rate_per_s:
            parts.append(f"{self.rate_per_s} started per second")
        if self.domains > 1:
            turns = f", {self.in_a_row} messages in a row" if self.in_a_row > 1 else " in turn"
            hops = ", one next hop" if self.has_one_hop else ""
            parts.append(f"{self.domains} recipient domains{turns}{hops}")
        if self.is_encrypted:
            parts.append("TLS from the source")
        if self.is_hop_encrypted:
            parts.append("TLS to the sink")
        return ", ".join(parts)


RELAY = (
    Case(name="relay-1k", messages=3000),
    Case(name="relay-10k", messages=2000, size_bytes=10 * KIB),
    Case(name="relay-1m", messages=150, size_bytes=MIB),
    Case(name="relay-1k-1-session", messages=600, sessions=1),
    Case(name="relay-1k-100-sessions", messages=3000, sessions=100),
    Case(name="relay-1k-1-per-connection", messages=1500, per_connection=1),
    Case(name="relay-1k-hop-tls", messages=3000, is_hop_encrypted=True),
    Case(name="rate-100", messages=1000, rate_per_s=100),
    Case(name="rate-300", messages=2400, rate_per_s=300),
    Case(name="domains-1000", messages=10_000, domains=1000),
    Case(name="domains-1000-one-hop", messages=10_000, domains=1000, has_one_hop=True),
    Case(name="domains-1000-in-a-row", messages=10_000, domains=1000, in_a_row=10),
)
RECEIVE = (
    Case(name="receive-1k", messages=4000, is_relay=False),
    Case(name="receive-1k-tls", messages=4000, is_relay=False, is_encrypted=True),
    Case(name="receive-10k", messages=3000, size_bytes=10 * KIB, is_relay=False),
    Case(name="receive-1m", messages=200, size_bytes=MIB, is_relay=False),
    Case(name="receive-1k-1-session", messages=1000, sessions=1, is_relay=False),
    Case(name="receive-1k-100-sessions", messages=4000, sessions=100, is_relay=False),
    Case(name="receive-1k-1-per-connection", messages=2000, per_connection=1, is_relay=False),
)
