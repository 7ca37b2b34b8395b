"""AUTH exchanges: both ends understand each other, and what breaks the grammar of a mechanism is 501."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import Credentials, LocalProtocolError, RemoteProtocolError, client_exchange, server_exchange
from tests.smtp.strategies import VISIBLE, soup

MECHANISMS = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
_texts = st.text(st.characters(exclude_characters="\0\x01", exclude_categories=["Cs"]), min_size=1, max_size=12)
_names = _texts | st.sampled_from(["a,b", "a=b", "=2C", "=3D2C", "a=2Cb", "n,a=x,"])
_tokens = st.text(VISIBLE, min_size=1, max_size=12)


def converse(mechanism: str, credentials: Credentials, *, initial: bool) -> bytes | Credentials:
    """What a server learns from a client, with an initial response or without."""
    client, server = client_exchange(mechanism, credentials), server_exchange(mechanism)
    step = server.step(client.step(None) if initial else None)
    for _ in range(3):
        if isinstance(step, Credentials):
            break
        step = server.step(client.step(step))
    return step


@pytest.mark.parametrize("initial", [True, False])
@given(user=_names, secret=_texts, act_as=st.just("") | _texts)
def test_a_password_arrives_as_it_was_sent(user: str, secret: str, act_as: str, initial: bool) -> None:
    assert converse("PLAIN", Credentials(user, secret, act_as), initial=initial) == Credentials(user, secret, act_as)
    assert converse("LOGIN", Credentials(user, secret, act_as), initial=initial) == Credentials(user, secret)


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@given(user=_names, token=_tokens)
def test_a_token_arrives_as_it_was_sent(mechanism: str, initial: bool, user: str, token: str) -> None:
    assert converse(mechanism, Credentials(user, token), initial=initial) == Credentials(user, token)


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        *product(["PLAIN"], [b"", b"a", b"\0a", b"\0a\0", b"\0\0b", b"a\0b\0c\0d", b"\0\xff\0b", b"\0a\0\xff"]),
        *product(["LOGIN"], [b"", b"a\0b", b"\xff"]),
        *product(["XOAUTH2"], [b"", b"user=a\x01\x01", b"user=a\x01auth=Bearer t\x01", b"auth=Bearer t\x01\x01"]),
        *product(["XOAUTH2"], [b"user=\x01auth=Bearer t\x01\x01", b"user=\xff\x01auth=Bearer t\x01\x01"]),
        *product(
            ["OAUTHBEARER"],
            [b"", b"\x01", b"n,a=a,\x01\x01", b"n,a=a,\x01auth=Bearer t\x01", b"n,a=a,\x01auth=Basic t\x01\x01"],
        ),
        *product(["OAUTHBEARER"], [b"p=tls,a=a,\x01auth=Bearer t\x01\x01", b"n,a=a\x01auth=Bearer t\x01\x01"]),
        *product(
            ["OAUTHBEARER"], [b"n,,\x01auth=Bearer t\x01auth=Bearer u\x01\x01", b"n,a=\xff,\x01auth=Bearer t\x01\x01"]
        ),
        *product(
            ["OAUTHBEARER"],
            [b"n,,\x01auth=Bearer \x01\x01", b"n,,\x01auth=Bearer a b\x01\x01", b"n,,\x01auth=Bearer t\x01\x01x"],
        ),
    ],
)
def test_a_response_that_breaks_the_grammar_of_its_mechanism_is_501(mechanism: str, response: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        server_exchange(mechanism).step(response)
    assert caught.value.reply is not None
    assert str(caught.value.reply) == f"501 5.5.2 the response is not what {mechanism} has here"


@pytest.mark.parametrize("mechanism", MECHANISMS)
@given(soup(b"\0", b"\x01", b"user=", b"auth=Bearer ", b"n,", b"a=", b",", b"t", b"\xff", b"=2C", max_size=12))
def test_any_response_is_a_challenge_a_claim_or_501(mechanism: str, response: bytes) -> None:
    try:
        step = server_exchange(mechanism).step(response)
    except RemoteProtocolError as problem:
        reply = problem.reply
        assert reply is not None
        assert reply.code == 501
    else:
        assert isinstance(step, bytes | Credentials)


@pytest.mark.parametrize(
    ("response", "credentials"),
    [
        (b"n,a=ann=2Clee=3D,\x01host=h\x01port=25\x01auth=Bearer t\x01\x01", Credentials("ann,lee=", "t")),
        (b"n,,\x01auth=bearer t==\x01\x01", Credentials("", "t==")),
    ],
)
def test_a_token_may_come_with_other_pairs_and_without_a_name(response: bytes, credentials: Credentials) -> None:
    assert server_exchange("OAUTHBEARER").step(response) == credentials


def test_a_server_asks_for_what_has_not_been_said() -> None:
    assert server_exchange("PLAIN").step(None) == b""
    assert server_exchange("XOAUTH2").step(None) == b""
    login = server_exchange("LOGIN")
    assert (login.step(None), login.step(b"ann")) == (b"Username:", b"Password:")


def test_login_has_no_initial_response_and_answers_by_order_whatever_is_asked() -> None:
    client = client_exchange("LOGIN", Credentials("ann", "secret"))
    assert [client.step(None), client.step(b"?"), client.step(b"User Name")] == [None, b"ann", b"secret"]


@pytest.mark.parametrize(("mechanism", "answer"), [("OAUTHBEARER", b"\x01"), ("XOAUTH2", b"")])
def test_a_refused_token_gets_the_answer_that_lets_the_refusal_be_said(mechanism: str, answer: bytes) -> None:
    client = client_exchange(mechanism, Credentials("ann", "token"))
    client.step(None)
    assert client.step(b'{"status":"401"}') == answer


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "credentials",
    [Credentials("a\0b", "s"), Credentials("a", "s\0"), Credentials("a", "s\x01"), Credentials("a", "s", "\0")],
)
def test_credentials_that_would_end_early_are_refused(mechanism: str, credentials: Credentials) -> None:
    with pytest.raises(LocalProtocolError, match="would end them early"):
        client_exchange(mechanism, credentials)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "credentials", [Credentials("a\ud800", "s"), Credentials("a", "\udfff"), Credentials("a", "s", "\udc80")]
)
def test_credentials_that_utf8_cannot_carry_are_refused(mechanism: str, credentials: Credentials) -> None:
    with pytest.raises(LocalProtocolError, match="UTF-8"):
        client_exchange(mechanism, credentials)


def test_a_mechanism_that_is_not_here_is_a_local_error() -> None:
    with pytest.raises(LocalProtocolError, match="GSSAPI"):
        server_exchange("GSSAPI")
    with pytest.raises(LocalProtocolError, match="GSSAPI"):
        client_exchange("GSSAPI", Credentials("a", "b"))


def test_a_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(Credentials("ann", "hunter2"))
