"""Messages made ASCII, judged by a reader of other people: what it reads is the same as before."""

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.downgrade import Encoder, Findings, Survey

MULTIPART = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
TEXT = b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
IMAGE = b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
ASCII = b"--b\r\nContent-Type: text/plain\r\nX-Kept: as it is\r\n\r\nplain = as it was\r\n"
END = b"--b--\r\n"
GREETINGS = "Grüße \t\r\n.\r\nFrom ü = 100%\r\n".encode() + b"x" * 200 + "ö".encode() * 90 + b"\r\n"


def survey(content: bytes) -> Findings:
    some = Survey()
    some.feed(content)
    return some.end()


def encoded(content: bytes, size: int = 1 << 20) -> bytes:
    findings = survey(content)
    assert not findings.obstacle
    some = Encoder(findings)
    pieces = [some.feed(content[start : start + size]) for start in range(0, len(content), size)]
    return b"".join([*pieces, some.end()])


def contents(message: bytes) -> list[bytes]:
    """What each part holds, decoded."""
    read = email.message_from_bytes(message, policy=email.policy.SMTP)
    assert isinstance(read, EmailMessage)
    payloads = [part.get_payload(decode=True) for part in read.walk() if not part.is_multipart()]
    return [payload for payload in payloads if isinstance(payload, bytes)]


def test_every_part_reads_as_before_and_all_is_ascii() -> None:
    message = (
        MULTIPART
        + TEXT
        + GREETINGS
        + ASCII
        + IMAGE
        + bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b"")
        + b"\r\n"
        + END
    )
    plain = encoded(message)
    assert plain.isascii()
    assert contents(plain) == contents(message)
    assert ASCII in plain
    assert all(len(line) <= 78 for line in plain.split(b"\r\n"))
    assert b"8bit" not in plain


def test_a_message_in_ascii_stays_as_it_is() -> None:
    message = MULTIPART.replace(b"Content-Transfer-Encoding: 8bit\r\n", b"") + ASCII + END
    assert encoded(message) == message


@pytest.mark.parametrize("kind", [b"text/plain", b"application/octet-stream"])
@given(
    octets=st.lists(st.sampled_from([b"a", b"=", b" ", b"\t", b".", b"\xfc", b"\xe2\x82\xac", b"\r\n"])).map(b"".join),
    size=st.integers(1, 30),
)
def test_a_single_part_reads_as_before_however_it_is_cut(kind: bytes, octets: bytes, size: int) -> None:
    message = b"MIME-Version: 1.0\r\nContent-Type: %b\r\n\r\n%b" % (kind, octets)
    plain = encoded(message, size)
    assert plain.isascii()
    assert contents(plain) == contents(message)


def test_octets_that_nobody_has_described_get_a_description() -> None:
    plain = encoded(b"Subject: x\r\n\r\nGr\xfc\xdfe\r\n")
    assert plain == (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nx\r\n", "header field"),
        (MULTIPART + b"--b\r\nContent-Description: \xc3\xbc\r\n\r\nx\r\n" + END, "header field"),
        (MULTIPART.replace(b"mixed", b"signed") + TEXT + GREETINGS + END, "multipart/signed"),
        (MULTIPART.replace(b"mixed", b"encrypted") + TEXT + GREETINGS + END, "multipart/encrypted"),
        (MULTIPART + b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: \xfc\r\n\r\n" + END, "message/rfc822"),
        (MULTIPART + b"Gr\xfc\xdfe\r\n" + TEXT + END, "between the parts"),
        (MULTIPART + TEXT + END + b"Gr\xfc\xdfe\r\n", "between the parts"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nGr\xfc\xdfe\r\n", "base64"),
        (b"Content-Transfer-Encoding: x-own\r\n\r\nGr\xfc\xdfe\r\n", "x-own"),
        (b"Content-Type: multipart/mixed\r\n\r\nGr\xfc\xdfe\r\n", "no boundary"),
        (b"A: x\r\n" * 30_000 + b"\r\n\xfc\r\n", "too large"),
    ],
)
def test_what_cannot_be_made_ascii_is_told(content: bytes, why: str) -> None:
    assert why in survey(content).obstacle


def test_a_body_beyond_ascii_is_no_reason_to_need_smtputf8_and_a_header_is() -> None:
    assert not survey(b"Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n").in_headers
    assert survey(b"Subject: \xc3\xbc\r\n\r\nx\r\n").in_headers
    assert survey(MULTIPART + b"--b\r\nContent-Description: \xc3\xbc\r\n\r\nx\r\n" + END).in_headers
