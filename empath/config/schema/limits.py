"""Limits of the receiving side: ``[smtp.limits]``."""

from attrs import frozen

from empath.config.kinds import DATA_RATE, WHOLE, rate
from empath.config.schema.keys import count, duration, optional, size, value
from empath.config.units import Period, Rate


@frozen(kw_only=True)
class LimitSettings:
    """``[smtp.limits]``: what one session, one client and all of them may ask for."""

    max_recipients: int = count(1000, "how many recipients a transaction may have; the next is answered 452")
    max_recipient_overshoot: int = count(
        1000, "how many recipients more are answered 452 before the session is closed with 421", at_least=0
    )
    max_errors: int = count(20, "how many refused commands a session may send before it is closed with 421")
    max_junk_commands: int = count(
        100, "how many commands that bring no mail on its way may lie between two messages before 421"
    )
    error_delay_after: int = count(10, "how many refused commands are answered at once", at_least=0)
    error_delay_s: float = duration(
        "1s", "how much longer than the last one each further refusal waits for its answer", at_least="0"
    )
    max_hops: int = count(50, "how many Received fields a message may carry before it counts as looping (5.4.6)")
    max_line_bytes: int = size(
        "64KiB",
        "how long a line of text in a message may be (RFC 5321 4.5.3.1.6); longer ones are refused",
        at_least="1000B",
    )
    max_header_size_bytes: int = size(
        "128KiB", "how large the header section of a message may be", at_least="1KiB", at_most="16MiB"
    )
    max_header_fields: int = count(1000, "how many fields the header section of a message may have")
    max_future_release_s: float = duration(
        "30d", "how long a message may be kept back if its sender asks for it (RFC 4865); 0: not at all", at_least="0"
    )
    max_connections: int = count(1000, "how many sessions may be open at once; the next is answered 421")
    max_connections_per_ip: int = count(50, "how many of the sessions may come from one address (IPv6: network)")
    max_connections_per_prefix: int | None = optional(
        WHOLE,
        "how many of the sessions may come from one network; not set: four times max_connections_per_ip",
        at_least=1,
    )
    ipv4_prefix: int = count(24, "how many bits of an IPv4 address make a network", at_least=0, at_most=32)
    ipv6_prefix: int = count(
        64, "how many bits of an IPv6 address make a network, which counts as one client", at_least=0, at_most=128
    )
    connections_per_client: Rate | None = optional(
        rate(Period.MINUTE), "how many sessions a client may begin; the next is answered 421"
    )
    messages_per_client: Rate | None = optional(
        rate(Period.MINUTE), "how many messages a client may begin that has not logged in; the next is answered 450"
    )
    recipients_per_client: Rate | None = optional(
        rate(Period.MINUTE), "how many recipients a client may name that has not logged in; the next is answered 450"
    )
    messages_per_user: Rate | None = optional(
        rate(Period.MINUTE), "how many messages a user may begin; the next is answered 450"
    )
    recipients_per_user: Rate | None = optional(
        rate(Period.MINUTE), "how many recipients a user may name; the next is answered 450"
    )
    max_tracked_clients: int = count(10_000, "how many clients, and users, each of these rates can keep apart")
    max_refusals: int = count(
        100, "how many clients that are sent away are told so, and listened to, at once; others are closed"
    )
    greet_pause_s: float = duration(
        "0", "how long the greeting waits for a stranger to speak first, and be refused for it", at_least="0"
    )
    proxy_timeout_s: float = duration("5s", "how long a proxy may take for the header that says who its client is")
    command_timeout_s: float = duration("5m", "how long a client may take for one whole command (RFC 5321 4.5.3.2.7)")
    data_timeout_s: float = duration("3m", "how long a client may pause inside a message")
    min_data_rate_bytes_per_s: int = value(
        DATA_RATE, 100, "how fast the content of a message has to come, pauses of data_timeout aside; 0: no limit"
    )
    session_timeout_s: float = duration("1h", "how long a session may last in all")
    crowded_timeout_s: float = duration(
        "10s", "how long a client may take for a command, or pause, while four fifths of max_connections are open"
    )
    farewell_timeout_s: float = duration("5s", "how long a client may take to read our last words")
