from empath.delivery import Job, Stock
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.smtp import Address
from empath.spool.contract import Body, BodyFile, Claim, ClaimedDelivery, DeliveryKey

ENVELOPE = b"e" * 10


def claim(number: int, *domains: str, body: Body) -> Claim:
    deliveries = tuple(
        ClaimedDelivery(key=DeliveryKey(number, ordinal), domain=domain, attempts=0)
        for ordinal, domain in enumerate(domains)
    )
    return Claim(mid=MessageId(1, number), received=0, envelope=ENVELOPE, body=body, deliveries=deliveries)


def jobs(claim: Claim) -> list[Job]:
    recipient = Recipient(Address.parse("b@example.org"))
    envelope = Envelope(reverse_path=None, recipients=(recipient,) * len(claim.deliveries), received=0)
    return [Job(claim=claim, envelope=envelope, site=one.domain, deliveries=(one,)) for one in claim.deliveries]


def test_it_is_full_at_its_bound_of_deliveries() -> None:
    stock = Stock(max_deliveries=2, max_bytes=1000)
    two = claim(1, "a.example", "b.example", body=b"x")
    stock.put(two, 2)
    assert stock.is_full
    stock.take_out(jobs(two)[0])
    assert not stock.is_full


def test_it_is_full_at_its_bound_of_octets_until_the_last_job_of_a_message_is_gone() -> None:
    stock = Stock(max_deliveries=100, max_bytes=1000)
    large = claim(1, "a.example", "b.example", body=bytes(990))
    stock.put(large, 2)
    assert (stock.is_full, stock.size_bytes) == (True, 1000)
    first, last = jobs(large)
    stock.take_out(first)
    assert stock.is_full
    stock.take_out(last)
    assert (stock.is_full, stock.size_bytes, stock.deliveries) == (False, 0, 0)


def test_a_delivery_may_be_claimed_again_before_its_job_is_let_go_of() -> None:
    stock = Stock(max_deliveries=100, max_bytes=1000)
    before, after = claim(1, "a.example", body=b"x"), claim(1, "a.example", body=b"x")
    for one in (before, after):
        stock.put(one, 1)
    stock.take_out(*jobs(before))
    assert (stock.deliveries, stock.size_bytes) == (1, len(ENVELOPE) + 1)
    stock.take_out(*jobs(after))
    assert (stock.deliveries, stock.size_bytes) == (0, 0)


def test_a_body_in_a_file_takes_no_memory() -> None:
    stock = Stock(max_deliveries=100, max_bytes=1000)
    stock.put(claim(1, "a.example", body=BodyFile(name="x", size_bytes=10_000)), 1)
    assert stock.size_bytes == len(ENVELOPE)


def test_what_was_not_divided_is_not_counted() -> None:
    stock = Stock(max_deliveries=1, max_bytes=1)
    stock.put(claim(1, "a.example", body=b"x"), 0)
    assert not stock.is_full
