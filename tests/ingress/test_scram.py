"""SCRAM-SHA-256: the example of RFC 7677, and everything else that a client may say."""

import base64
import hashlib
import hmac
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.ingress.logins import scram
from empath.ingress.logins.credentials import ScramKeys
from empath.smtp import RemoteProtocolError

# RFC 7677 3
CLIENT_NONCE, SERVER_NONCE = "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
CLIENT_FIRST = f"n,,n=user,r={CLIENT_NONCE}".encode()
SERVER_FIRST = f"r={CLIENT_NONCE}{SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()
CLIENT_FINAL = f"c=biws,r={CLIENT_NONCE}{SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".encode()
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

PENCIL = ScramKeys(4096, SALT, *scram.make_keys("pencil", SALT, 4096))


def server() -> scram.ScramServer:
    return scram.ScramServer(lambda _: PENCIL, SERVER_NONCE)


def test_the_example_of_the_rfc() -> None:
    exchange = server()
    assert exchange.step(None) == b""
    assert exchange.step(CLIENT_FIRST) == SERVER_FIRST
    assert exchange.step(CLIENT_FINAL) == scram.Proof("user", right=True, final=SERVER_FINAL)


def test_the_keys_are_those_of_the_rfc() -> None:
    """RFC 5802 3, once more and by hand."""
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert (PENCIL.stored_key, PENCIL.server_key) == (stored_key, hmac.digest(salted, b"Server Key", "sha256"))


def test_a_proof_of_another_password_is_wrong_and_tells_nothing() -> None:
    exchange = server()
    exchange.step(CLIENT_FIRST)
    wrong = CLIENT_FINAL.replace(b"p=dHzb", b"p=eHzb")
    assert exchange.step(wrong) == scram.Proof("user", right=False, final=b"")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"user",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"n,a=eve,n=user,r=abc",
        b"p=tls-unique,,n=user,r=abc",
        b"n,,m=x,n=user,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=us\0er,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,n==2D,r=abc",
    ],
)
def test_a_first_message_that_breaks_the_grammar_is_501(response: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        server().step(response)
    assert caught.value.reply is not None
    assert caught.value.reply.code == 501


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\xff",
        CLIENT_FINAL.replace(b"c=biws", b"c=eSws"),
        CLIENT_FINAL.replace(b"r=rOpr", b"r=xOpr"),
        CLIENT_FINAL.replace(b"p=dHzb", b"p=!!!!"),
        CLIENT_FINAL.rpartition(b",")[0],
    ],
)
def test_a_final_message_that_breaks_the_grammar_is_501(response: bytes) -> None:
    exchange = server()
    exchange.step(CLIENT_FIRST)
    with pytest.raises(RemoteProtocolError):
        exchange.step(response)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([CLIENT_FIRST, CLIENT_FINAL]), max_size=4))
def test_whatever_a_client_says_it_proves_nothing_without_the_password(responses: list[bytes]) -> None:
    exchange = scram.ScramServer(lambda _: ScramKeys(4096, SALT, bytes(32), bytes(32)), SERVER_NONCE)
    with suppress(RemoteProtocolError):
        for response in responses:
            said = exchange.step(response)
            assert not (isinstance(said, scram.Proof) and said.right)


def test_a_login_may_hold_what_the_grammar_has_to_escape() -> None:
    exchange = server()
    exchange.step(b"n,,n=ann=2Cof=3Dacme,r=" + CLIENT_NONCE.encode())
    proof = exchange.step(CLIENT_FINAL)
    assert isinstance(proof, scram.Proof)
    assert proof.login == "ann,of=acme"


def test_a_password_that_saslprep_has_no_form_of_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        scram.make_keys("a\u0007b", SALT, 4096)


def test_without_the_library_keys_can_be_neither_made_nor_read() -> None:
    program = (
        "import sys; sys.modules['scramp'] = None\n"
        "from empath.ingress.logins.credentials import ScramKeys, parse_credential\n"
        f"for call in (lambda: ScramKeys.make('x', bytes(16)), lambda: parse_credential({PENCIL.text!r})):\n"
        "    try: call()\n"
        "    except ValueError as problem: print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.count('the extra: pip install "empath-mta[scram]"') == 2
