"""The keyword of a Received field."""

import pytest

from empath.mail.envelope import with_keyword


@pytest.mark.parametrize(
    ("keyword", "facts"),
    [
        ("SMTP", {"esmtp": False}),
        ("ESMTP", {"esmtp": True}),
        ("ESMTPS", {"esmtp": True, "tls": True}),
        ("ESMTPA", {"esmtp": True, "auth": True}),
        ("ESMTPSA", {"esmtp": True, "tls": True, "auth": True}),
        ("LMTP", {"esmtp": False, "lmtp": True}),
        ("LMTPSA", {"esmtp": True, "lmtp": True, "tls": True, "auth": True}),
        ("UTF8SMTP", {"esmtp": True, "utf8": True}),
        ("UTF8SMTPSA", {"esmtp": True, "utf8": True, "tls": True, "auth": True}),
        ("UTF8LMTPS", {"esmtp": True, "lmtp": True, "utf8": True, "tls": True}),
    ],
)
def test_each_way_in_has_its_registered_keyword(keyword: str, facts: dict[str, bool]) -> None:
    assert with_keyword(**facts) == keyword
