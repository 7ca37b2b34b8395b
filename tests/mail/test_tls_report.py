"""The message that carries a report on TLS, as others read it (RFC 8460 5.3)."""

import gzip
from email import message_from_bytes
from email.policy import default

from empath.mail.ids import MessageId
from empath.mail.record import decode_envelope, encode_envelope
from empath.mail.tls_report import TlsReportMail, pack
from empath.smtp import Address

REPORT = b'{"organization-name": "empath.example"}'
TO = Address.parse("tls@example.org")
MAIL = TlsReportMail(
    about="example.org",
    submitter="empath.example",
    sender=Address.parse("postmaster@empath.example"),
    identifier="2026-11-22.example.org@empath.example",
    begins=1_795_305_600,
    ends=1_795_391_999,
    packed=pack(REPORT * 200),
)
CONTENT = MAIL.content(TO, message=MessageId(1, 2), hostname="mx.empath.example", now=1_795_400_000.0)


def test_it_is_a_message_that_others_can_read() -> None:
    message = message_from_bytes(CONTENT, policy=default)
    assert not message.defects
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "tlsrpt"
    assert message["TLS-Report-Domain"] == "example.org"
    assert message["TLS-Report-Submitter"] == "empath.example"
    assert message["Subject"] == (
        "Report Domain: example.org Submitter: empath.example Report-ID: <2026-11-22.example.org@empath.example>"
    )
    assert message["From"] == "postmaster@empath.example"
    assert message["To"] == "tls@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    said, attached = message.iter_parts()
    assert said.get_content_type() == "text/plain"
    assert "_smtp._tls.example.org" in said.get_content()
    assert attached.get_content_type() == "application/tlsrpt+gzip"
    assert attached.get_filename() == "empath.example!example.org!1795305600!1795391999.json.gz"
    assert gzip.decompress(attached.get_content()) == REPORT * 200


def test_its_lines_are_such_as_every_host_takes() -> None:
    assert CONTENT.isascii()
    assert CONTENT.replace(b"\r\n", b"").find(b"\n") == -1
    assert max(map(len, CONTENT.split(b"\r\n"))) < 998


def test_nobody_is_told_if_it_does_not_arrive_and_broken_tls_does_not_stop_it() -> None:
    envelope = MAIL.envelope(TO, size_bytes=len(CONTENT), now=1.0)
    assert envelope.reverse_path is None
    assert envelope.tls_optional
    assert decode_envelope(encode_envelope(envelope)) == envelope


def test_the_same_report_is_the_same_octets() -> None:
    assert pack(REPORT) == pack(REPORT)
