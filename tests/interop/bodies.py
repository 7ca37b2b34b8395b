"""Messages whose octets are awkward on the wire. All keep to the line rules, and no line is longer than 998 octets."""

from typing import Final

import pytest

AWKWARD: Final = {
    "a_dot": b".\r\n",
    "two_dots": b"..\r\n",
    "dots_of_all_lengths": b"".join(b"." * count + b"\r\n" for count in range(1, 20)),
    "dot_lines_between_others": b"one\r\n.\r\n..\r\n.two\r\n.\r\n\r\n.\r\n",
    "empty_lines": b"\r\n\r\n\r\n",
    "an_empty_line": b"\r\n",
    "commands": b"QUIT\r\nRSET\r\n.\r\nMAIL FROM:<mallory@example.com>\r\nDATA\r\n",
    "every_octet_but_nul_cr_and_lf": bytes(octet for octet in range(1, 256) if octet not in b"\r\n") + b"\r\n",
    "what_only_unicode_calls_line_ends": "one\x0btwo\x0cthree\x85four\u2028five\u2029six\r\n".encode(),
    "longest_lines": (b"x" * 998 + b"\r\n" + b"." * 997 + b"\r\n") * 5,
    "many_segments": b".line\r\nline\r\n.\r\n" * 5_000,
}
"""The names are for the reports of tests."""

each_awkward_body: Final = pytest.mark.parametrize("body", AWKWARD.values(), ids=AWKWARD.keys())
