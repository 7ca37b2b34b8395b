"""The message that carries a report on TLS to another domain (RFC 8460 5.3).

It goes out with the null reverse-path, so that no report is ever made on it, and says ``Auto-Submitted``. It is
delivered whatever the hosts of that domain show: the news that their TLS is broken must not wait for their TLS.

The bytes depend on the arguments alone.
"""

from __future__ import annotations

import base64
import gzip

from attrs import frozen

from empath.mail.envelope import Envelope, Recipient
from empath.mail.headers import date, header_address
from empath.mail.ids import MessageId
from empath.mail.quoting import wrap
from empath.smtp import Address, MailParams

MEDIA_TYPE = "application/tlsrpt+gzip"
"""RFC 8460 6.4."""


@frozen(kw_only=True)
class TlsReportMail:
    """A report, and whom it is about."""

    about: str
    """The domain, as A-labels."""
    submitter: str
    """The domain that reports."""
    sender: Address
    """Who stands in From: of the domain that reports."""
    identifier: str
    """Left side, ``@`` and right side of a name for the report."""
    begins: int
    ends: int
    """The first and the last second of what it is about."""
    packed: bytes
    """The report, compressed by `pack`."""

    @property
    def file_name(self) -> str:
        """RFC 8460 5.1."""
        return f"{self.submitter}!{self.about}!{self.begins}!{self.ends}.json.gz"

    def envelope(self, recipient: Address, *, size_bytes: int, now: float) -> Envelope:
        """From nobody, and in clear if need be (RFC 8460 3)."""
        return Envelope(
            reverse_path=None,
            recipients=(Recipient(recipient),),
            received=now,
            params=MailParams(size=size_bytes),
            tls_optional=True,
        )

    def content(self, recipient: Address, *, message: MessageId, hostname: str, now: float) -> bytes:
        """The message, with CRLF. ``message`` and ``hostname`` are its Message-ID."""
        boundary = f"=_{message}"
        said = wrap(
            f"This is a report on TLS between the mail servers of {self.submitter} and those of {self.about}, as"
            f" RFC 8460 has it. {self.about} asks for such reports with a record in DNS at _smtp._tls.{self.about}."
        )
        encoded = base64.encodebytes(self.packed).replace(b"\n", b"\r\n").decode()
        name = f'"{self.file_name}"'
        return (
            f"Date: {date(now)}\r\n"
            f"From: <{header_address(self.sender)}>\r\n"
            f"To: <{header_address(recipient)}>\r\n"
            f"Subject: Report Domain: {self.about}\r\n Submitter: {self.submitter}\r\n Report-ID: <{self.identifier}>"
            "\r\n"
            f"Message-ID: <{message}@{hostname}>\r\n"
            f"TLS-Report-Domain: {self.about}\r\n"
            f"TLS-Report-Submitter: {self.submitter}\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/report; report-type="tlsrpt";\r\n\tboundary="{boundary}"\r\n'
            "\r\n"
            f"--{boundary}\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n" + "\r\n".join(said) + "\r\n"
            f"--{boundary}\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\n"
            "Content-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment;\r\n\tfilename={name}\r\n"
            "\r\n"
            f"{encoded}"
            f"--{boundary}--\r\n"
        ).encode("ascii")


def pack(report: bytes) -> bytes:
    """Compress a report (RFC 8460 5.2), without the moment at which that was done."""
    return gzip.compress(report, mtime=0)
