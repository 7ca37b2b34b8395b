"""Every bound has an effect, the defaults are those of the RFCs, and no peer makes a machine grow."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from empath.smtp import (
    Auth,
    AuthResponse,
    BodyData,
    BodyEnd,
    BodyFault,
    Bounds,
    ChunkEnd,
    ConnectionClosed,
    Expn,
    Extensions,
    Help,
    LocalProtocolError,
    Mail,
    Noop,
    Pause,
    Refused,
    RemoteProtocolError,
    Reply,
    Rset,
    State,
    Verb,
)
from empath.smtp.verdict import refusal_of_body
from tests.smtp.stages import ALL, answered, client_in, hear, refusal, serve, server_in

OFFERS = Extensions.of("PIPELINING", "CHUNKING")


def test_the_defaults_are_those_of_the_rfcs() -> None:
    assert Bounds() == Bounds(
        command_line=512, auth_line=12288, text_line=65536, reply_line=512, reply_lines=128, errors=20
    )


# -- command_line


def test_a_command_line_is_as_long_as_its_bound_and_no_longer() -> None:
    bounds = Bounds(command_line=64)
    assert hear(server_in(State.READY, bounds=bounds), b"HELP " + b"x" * 57 + b"\r\n") == [Help("x" * 57)]
    refused = refusal(server_in(State.READY, bounds=bounds), b"HELP " + b"x" * 58 + b"\r\n")
    assert (refused.reply.code, str(refused.reply.enhanced), refused.closes) == (500, "5.5.2", False)
    client = client_in(State.READY, bounds=bounds)
    with pytest.raises(LocalProtocolError, match="longer than 64 octets"):
        client.send(Help("x" * 58))
    client.send(Help("x" * 57))


def test_mail_has_room_for_the_parameters_that_are_offered() -> None:
    line = b"MAIL FROM:<ann@example.org> SIZE=" + b"0" * 19 + b"5"
    offers = Extensions.of("PIPELINING", "SIZE")
    assert len(line) + 2 == 29 + 26
    assert isinstance(hear(server_in(State.READY, offers, bounds=Bounds(command_line=29)), line + b"\r\n")[0], Mail)
    refused = refusal(server_in(State.READY, offers, bounds=Bounds(command_line=28)), line + b"\r\n")
    assert refused.reply.code == 500


@pytest.mark.parametrize(
    "line", [b"x" * 100_000, b"NOOP" + b"x" * 100_000, b"AUTH PLAIN " + b"A" * 100_000, b" " * 100_000]
)
def test_a_line_over_the_limit_is_answered_once_and_its_tail_is_no_command(line: bytes) -> None:
    server = server_in(State.READY)
    wire = line + b" MAIL FROM:<evil@example.org>\r\nRSET\r\n"
    events = []
    for start in range(0, len(wire), 1000):
        events += serve(server, wire[start : start + 1000])
    assert [type(event) for event in events] == [Refused, Rset]


# -- auth_line


def test_an_authentication_is_as_long_as_its_bound_and_no_longer() -> None:
    bounds = Bounds(auth_line=4096)
    fits, too_long = b"x" * 3060, b"x" * 3066
    client = client_in(State.READY, bounds=bounds)
    with pytest.raises(LocalProtocolError, match="AUTH would be longer than 4096 octets"):
        client.send(Auth("PLAIN", too_long))
    wire = client.send(Auth("PLAIN", fits))
    assert hear(server_in(State.READY, bounds=bounds), wire) == [Auth("PLAIN", fits)]
    client = client_in(State.AUTH, bounds=bounds)
    with pytest.raises(LocalProtocolError, match="RESPONSE would be longer than 4096 octets"):
        client.send(AuthResponse(b"x" * 3073))
    wire = client.send(AuthResponse(fits))
    assert hear(server_in(State.AUTH, bounds=bounds), wire) == [AuthResponse(fits)]
    refused = refusal(server_in(State.AUTH, bounds=bounds), b"A" * 4096 + b"\r\n")
    assert (refused.verb, refused.reply.code) == (Verb.RESPONSE, 500)


# -- text_line


def test_a_line_of_a_body_is_as_long_as_its_bound_and_no_longer() -> None:
    bounds = Bounds(text_line=1000)
    for octets, fault in ((998, BodyFault.NONE), (999, BodyFault.LONG_LINE)):
        line = b"x" * octets + b"\r\n"
        end = hear(server_in(State.DATA, OFFERS, bounds=bounds), line + b".\r\n")[-1]
        assert end == BodyEnd(fault, refusal_of_body(fault))
        chunk_end = hear(server_in(State.RCPT, OFFERS, bounds=bounds), b"BDAT %d LAST\r\n" % len(line) + line)[-1]
        assert chunk_end == ChunkEnd(True, fault, refusal_of_body(fault))
    client_in(State.DATA, bounds=bounds).send(BodyData(b"x" * 998 + b"\r\n"))
    with pytest.raises(LocalProtocolError, match="LONG_LINE"):
        client_in(State.DATA, bounds=bounds).send(BodyData(b"x" * 999 + b"\r\n"))


# -- reply_line, reply_lines


def test_a_reply_line_is_as_long_as_its_bound_and_no_longer() -> None:
    bounds = Bounds(reply_line=100)
    client = client_in(State.GREETED, bounds=bounds)
    client.send(Noop())
    assert len(answered(client, b"250 " + b"x" * 94 + b"\r\n")) == 1
    client.send(Noop())
    client.receive_data(b"250 " + b"x" * 95 + b"\r\n")
    with pytest.raises(RemoteProtocolError, match="longer than 100 octets"):
        client.next_event()


def test_a_server_folds_a_reply_at_its_bound() -> None:
    server = server_in(State.READY, bounds=Bounds(reply_line=50))
    hear(server, b"NOOP\r\n")
    assert [len(line) for line in server.send(Reply(250, "x" * 60, "2.0.0")).splitlines(keepends=True)] == [50, 34]


def test_a_reply_has_as_many_lines_as_its_bound_and_no_more() -> None:
    client = client_in(State.GREETED, bounds=Bounds(reply_lines=3))
    client.send(Noop())
    assert len(answered(client, b"250-x\r\n" * 2 + b"250 x\r\n")) == 1
    client.send(Noop())
    client.receive_data(b"250-x\r\n" * 3)
    with pytest.raises(RemoteProtocolError, match="more than 3 lines"):
        client.next_event()


# -- errors


def test_a_session_has_as_many_errors_as_its_bound_and_no_more() -> None:
    server = server_in(State.READY, bounds=Bounds(errors=3))
    events = serve(server, b"FOO\r\n" * 3 + b"EXPN all\r\nNOOP\r\n")
    assert [event.reply.code for event in events if isinstance(event, Refused)] == [500, 500, 500, 421]
    assert events[-1] == ConnectionClosed()


def test_the_refusals_of_the_driver_count_as_errors_too() -> None:
    server = server_in(State.READY, bounds=Bounds(errors=2))
    events = serve(server, b"EXPN a\r\n", Reply(550)) + serve(server, b"EXPN b\r\n", Reply(450))
    assert events == [Expn("a"), Expn("b")]
    assert refusal(server, b"NOOP\r\n").reply.code == 421


# -- memory

SEGMENT, ENDLESS = b"x" * 65536, 160


@contextmanager
def at_most(grown_octets: int) -> Iterator[None]:
    """The block must not need more than this at any time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < grown_octets


@pytest.mark.parametrize("state", [State.GREETED, State.READY, State.AUTH, State.DATA])
@pytest.mark.parametrize("segment", [SEGMENT, b"x" * 65535 + b"\r"], ids=["x", "cr"])
def test_an_endless_line_to_a_server_takes_no_more_than_some_segments(state: State, segment: bytes) -> None:
    server = server_in(state)
    with at_most(8 * len(SEGMENT)):
        for _ in range(ENDLESS):
            server.receive_data(segment)
            while not isinstance(event := server.next_event(), Pause):
                assert isinstance(event, BodyData)


def test_an_endless_chunk_takes_no_more_than_some_segments() -> None:
    for state in (State.RCPT, State.MAIL):  # taken, and thrown away
        server = server_in(state, ALL)
        hear(server, b"BDAT 999999999\r\n")
        with at_most(8 * len(SEGMENT)):
            for _ in range(ENDLESS):
                hear(server, SEGMENT)


def test_what_comes_after_the_end_is_not_kept() -> None:
    server, client = server_in(State.CLOSED), client_in(State.CLOSED)
    with at_most(8 * len(SEGMENT)):
        for _ in range(ENDLESS):
            server.receive_data(SEGMENT)
            client.receive_data(SEGMENT)


@pytest.mark.parametrize(
    "segment", [SEGMENT, b"250-x\r\n" * 9000, b"250-" + SEGMENT + b"\r\n"], ids=["line", "lines", "long lines"]
)
def test_an_endless_reply_to_a_client_takes_no_more_than_some_segments(segment: bytes) -> None:
    client = client_in(State.READY)
    client.send(Noop())
    errors = 0
    with at_most(8 * len(SEGMENT)):
        for _ in range(ENDLESS):
            client.receive_data(segment)
            try:
                client.next_event()
            except RemoteProtocolError:
                errors += 1
    assert errors == ENDLESS


def test_an_endless_challenge_takes_no_more_than_some_segments() -> None:
    client = client_in(State.READY)
    client.send(Auth("PLAIN"))
    with at_most(8 * len(SEGMENT)):
        client.receive_data(b"334 " + SEGMENT)
        with pytest.raises(RemoteProtocolError, match="longer than 12288 octets"):
            client.next_event()


def test_a_body_is_sent_in_pieces_and_none_is_kept() -> None:
    client = client_in(State.DATA)
    content = b"x" * 76 + b"\r\n"
    with at_most(8 * len(SEGMENT)):
        for _ in range(ENDLESS):
            client.send(BodyData(content * 800))
    assert client.send(BodyEnd()) == b".\r\n"
