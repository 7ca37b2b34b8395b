from attrs import define

from empath.config.schema import LimitSettings, Period, Rate
from empath.ingress.client import Client
from empath.ingress.limits.quotas import Quotas

TWO_A_MINUTE = Rate(2, Period.MINUTE)
ANN = Client(ip="192.0.2.1", login="ann")
STRANGER = Client(ip="192.0.2.1")


@define
class Hand:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_limits_nothing_is_counted() -> None:
    quotas = Quotas(clock=Hand())
    assert all(quotas.take_message(client) and quotas.take_recipient(client) for client in [ANN, STRANGER] * 1000)


def test_a_user_counts_by_name_wherever_the_login_comes_from() -> None:
    quotas = Quotas(LimitSettings(messages_per_user=TWO_A_MINUTE), clock=Hand())
    places = [Client(ip=f"192.0.2.{number}", login="ann") for number in range(3)]
    assert [quotas.take_message(client) for client in places] == [True, True, False]
    assert quotas.take_message(Client(ip="192.0.2.1", login="bob"))
    assert all(quotas.take_message(STRANGER) for _ in range(10))


def test_a_user_is_not_charged_for_others_at_the_same_address() -> None:
    limits = LimitSettings(recipients_per_client=TWO_A_MINUTE, recipients_per_user=TWO_A_MINUTE)
    quotas = Quotas(limits, clock=Hand())
    assert [quotas.take_recipient(STRANGER) for _ in range(3)] == [True, True, False]
    assert [quotas.take_recipient(ANN) for _ in range(3)] == [True, True, False]


def test_messages_and_recipients_are_counted_apart() -> None:
    quotas = Quotas(LimitSettings(messages_per_client=Rate(1, Period.MINUTE)), clock=Hand())
    assert quotas.take_message(STRANGER)
    assert not quotas.take_message(STRANGER)
    assert quotas.take_recipient(STRANGER)


def test_another_address_of_the_same_ipv6_network_is_the_same_client() -> None:
    quotas = Quotas(LimitSettings(messages_per_client=TWO_A_MINUTE, ipv6_prefix=48), clock=Hand())
    addresses = ("2001:db8:7:1::1", "2001:db8:7:2::1", "2001:db8:7:3::1", "2001:db8:8::1")
    assert [quotas.take_message(Client(ip=ip)) for ip in addresses] == [True, True, False, True]


def test_time_gives_room_again() -> None:
    clock = Hand()
    quotas = Quotas(LimitSettings(messages_per_client=TWO_A_MINUTE), clock=clock)
    assert [quotas.take_message(STRANGER) for _ in range(3)] == [True, True, False]
    clock.now = 30.0
    assert [quotas.take_message(STRANGER) for _ in range(2)] == [True, False]


def test_as_many_clients_are_kept_apart_as_the_configuration_says() -> None:
    limits = LimitSettings(messages_per_client=Rate(1, Period.DAY), max_tracked_clients=2)
    quotas = Quotas(limits, clock=Hand())
    assert [quotas.take_message(Client(ip=f"192.0.2.{number}")) for number in (1, 2, 3, 2, 1)] == [
        True,
        True,
        True,
        False,
        True,
    ]
