"""Two configurations beside each other, and what a running daemon makes of the second one."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from empath.config.changes import Change, changes, settings_of, taken
from empath.config.schema import (
    Config,
    DeliverySettings,
    DomainSettings,
    ListenerSettings,
    Profile,
    SmtpSettings,
    walk,
)
from empath.config.schema.restart import needs_restart
from empath.smtp import Domain
from empath.world.endpoint import TcpEndpoint

DOMAIN = Domain.parse("a.example")


def test_what_is_the_same_is_no_change() -> None:
    assert changes(Config(), Config()) == ()


def test_a_change_has_both_values_as_a_file_would_say_them() -> None:
    other = Config(delivery=DeliverySettings(max_age_s=3600.0), hostname=Domain.parse("mx.example"))
    assert changes(Config(), other) == (
        Change(key="hostname", before='"localhost"', after='"mx.example"', is_live=False),
        Change(key="delivery.max_age", before='"5d"', after='"1h"', is_live=True),
    )


def test_a_table_that_comes_or_goes_is_told_by_what_it_changes() -> None:
    other = Config(delivery=DeliverySettings(domains={DOMAIN: DomainSettings(max_connections=3)}))
    key = 'delivery.domains."a.example".max_connections'
    assert changes(Config(), other) == (Change(key=key, before=None, after="3", is_live=True),)
    assert changes(other, Config()) == (Change(key=key, before="3", after=None, is_live=True),)


def test_keys_that_need_a_restart_keep_their_values_and_the_others_do_not() -> None:
    listener = ListenerSettings(listen_addr=TcpEndpoint("127.0.0.1", 2525))
    running = Config()
    wanted = Config(
        hostname=Domain.parse("mx.example"),
        smtp=SmtpSettings(listeners=(listener,)),
        delivery=DeliverySettings(max_attempts=7, max_lanes=7, domains={DOMAIN: DomainSettings(max_connections=3)}),
    )
    result = taken(running, wanted)
    assert result.hostname == running.hostname
    assert result.smtp.listeners == running.smtp.listeners
    assert result.delivery == evolve(wanted.delivery, max_lanes=running.delivery.max_lanes)
    assert all(not change.is_live for change in changes(result, wanted))


@given(st.integers(1, 100), st.integers(1, 100))
def test_what_is_applied_and_what_needs_a_restart_are_all_that_differs(attempts: int, lanes: int) -> None:
    running, wanted = Config(), Config(delivery=DeliverySettings(max_attempts=attempts, max_lanes=lanes))
    result = taken(running, wanted)
    parts = (*changes(running, result), *changes(result, wanted))
    assert {one.key for one in parts} == {one.key for one in changes(running, wanted)}


def test_a_listing_has_every_key_that_stands_once() -> None:
    found = {one.key: one.is_live for one in settings_of(Config())}
    for pattern, key in walk(Config):
        if "*" not in pattern and "[]" not in pattern:
            assert found[pattern] is not needs_restart(pattern, key)


def listening(*listeners: ListenerSettings) -> Config:
    return Config(smtp=SmtpSettings(listeners=listeners))


HERE, THERE = TcpEndpoint("192.0.2.1", 25), TcpEndpoint("192.0.2.1", 587)


def test_a_listener_at_the_same_address_is_taken_with_all_that_is_said_of_it() -> None:
    running = listening(ListenerSettings(listen_addr=HERE), ListenerSettings(listen_addr=THERE))
    wanted = listening(ListenerSettings(listen_addr=HERE, profile=Profile.MX), ListenerSettings(listen_addr=THERE))
    assert taken(running, wanted) == wanted


def test_a_listener_that_moves_comes_or_goes_waits_for_a_restart_and_the_others_do_not() -> None:
    running = listening(ListenerSettings(listen_addr=HERE), ListenerSettings(listen_addr=THERE))
    other = ListenerSettings(listen_addr=TcpEndpoint("192.0.2.1", 465), profile=Profile.MX)
    renewed = ListenerSettings(listen_addr=HERE, max_message_size_bytes=1000)
    assert taken(running, listening(renewed, other)) == listening(renewed, running.smtp.listeners[1])
    assert taken(running, listening(renewed)) == listening(renewed, running.smtp.listeners[1])
    assert taken(running, listening(renewed, *running.smtp.listeners[1:], other)) == listening(
        renewed, running.smtp.listeners[1]
    )
