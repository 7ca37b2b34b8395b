"""Jobs as lanes get them, with what decides about their turn."""

from itertools import count

from empath.delivery import Job
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.ids import MessageId
from empath.mail.priority import Priority
from empath.smtp import Address
from empath.spool.contract import Claim, ClaimedDelivery, DeliveryKey

_numbers = count(1)


def job(
    domain: str = "example.org",
    *,
    site: str | None = None,
    sender: str | None = "a@client.example",
    user: str | None = None,
    priority: Priority | None = None,
    attempts: int = 0,
    recipients: int = 1,
    received: float = 0,
) -> Job:
    """A message that a client brought, or with ``sender`` None a report of ours."""
    number = next(_numbers)
    deliveries = tuple(
        ClaimedDelivery(key=DeliveryKey(number, ordinal), domain=domain, attempts=attempts)
        for ordinal in range(recipients)
    )
    origin = None
    if sender is not None:
        origin = Origin(client_ip="192.0.2.1", hello="client", protocol="ESMTP", listener="a", user=user)
    address = Recipient(Address.parse(f"b@{domain}"))
    envelope = Envelope(
        reverse_path=None if sender is None else Address.parse(sender),
        recipients=(address,) * recipients,
        received=0,
        origin=origin,
        priority=priority,
    )
    claim = Claim(mid=MessageId(1, number), received=received, envelope=b"", body=b"", deliveries=deliveries)
    return Job(claim=claim, envelope=envelope, site=site or domain, deliveries=deliveries)
