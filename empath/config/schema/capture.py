"""Settings of the capture peer, which takes all mail in sandbox mode: ``[capture]``."""

from attrs import frozen

from empath.config.schema.keys import count, size


@frozen(kw_only=True)
class CaptureSettings:
    """``[capture]``: how much is kept for people to look at. The oldest goes first."""

    max_messages: int = count(500, "how many messages the sandbox keeps before it lets the oldest go")
    max_size_bytes: int = size(
        "100MiB", "how much the messages that the sandbox keeps may take on the disk in all", at_least="1B"
    )
    max_connections: int = count(
        1000, "how many sessions the capture peer has at once; further ones wait for their turn"
    )
