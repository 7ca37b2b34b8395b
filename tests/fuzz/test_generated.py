"""Every fuzz target keeps its invariant on what Hypothesis makes up: plain octets, words of SMTP, whole dialogues."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import HERE, TARGETS, address, body, client, params, proxy, reply, server
from fuzz.client import SAYINGS
from tests.fuzz.test_corpus import target

# The dictionary of the byte fuzzer: each line a literal, in the escapes that Python shares with it.
WORDS = [
    ast.literal_eval(f"b{line}") for line in (HERE / "tokens.dict").read_text().splitlines() if line.startswith('"')
]
WAIT = b"\xff"  # ends a group of commands, or a turn of a dialogue


def one_of(text: bytes) -> st.SearchStrategy[bytes]:
    """One of some alternatives, written with bars between them."""
    return st.sampled_from(text.split(b"|"))


def some(parts: st.SearchStrategy[bytes], most: int) -> st.SearchStrategy[bytes]:
    """Up to ``most`` parts, one behind the other."""
    return st.lists(parts, max_size=most).map(b"".join)


flags = st.integers(ord("@"), ord("_")).map(lambda octet: bytes([octet]))
seeds = st.integers(0, 255).map(lambda octet: bytes([octet]))
words = some(st.sampled_from(WORDS) | st.binary(max_size=4), 12)

addresses = one_of(b'<>|<a@b.example>|<Postmaster>|<"x y"@[192.0.2.1]>|<a@b.>|' + "<ü@bücher.example>".encode())
mail_params = some(one_of(b" SIZE=9| SIZE=500| SMTPUTF8| BODY=8BITMIME| RET=HDRS| ENVID=+2B| X=1"), 3)
plain_commands = one_of(
    b"EHLO c.example|LHLO c.example|HELO c|DATA|RSET|NOOP|QUIT|HELP|VRFY a|STARTTLS|XCLIENT ADDR=192.0.2.1|BDAT x|"
    b"AUTH LOGIN|AUTH PLAIN|AUTH PLAIN AHUAcA==|dQ==|*"
)
commands = (
    plain_commands
    | st.builds(lambda path, params: b"MAIL FROM:" + path + params, addresses, mail_params)
    | st.builds(lambda path: b"RCPT TO:" + path, addresses)
).map(lambda line: line + b"\r\n")
content = some(one_of(b"text|.|\r\n|\r\n.\r\n|\r|\n|\n.\n|\r\n.\r|\0|" + b"x" * 30), 8)
chunks = st.builds(lambda data, last: b"BDAT %d%b\r\n%b" % (len(data), last, data), content, one_of(b"| LAST| last"))
begun = st.sampled_from(
    [
        b"",
        b"EHLO c.example\r\n" + WAIT,
        b"LHLO c.example\r\n" + WAIT,
        b"EHLO c.example\r\n" + WAIT + b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n",
        b"EHLO c.example\r\n" + WAIT + b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n" + WAIT,
        b"LHLO c.example\r\n" + WAIT + b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n" + WAIT,
    ]
)
sessions = st.tuples(
    flags, seeds, begun, some(commands | chunks | content | st.sampled_from([WAIT, b".\r\n"]), 12)
).map(b"".join)

EHLO = b"250-PIPELINING\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250-SIZE\r\n250 AUTH PLAIN LOGIN\r\n"
replies = (
    st.just(b"250 OK\r\n")
    | one_of(
        b"354 go\r\n|550 no\r\n|451 later\r\n|421 bye\r\n|220 go\r\n|334 \r\n|235 OK\r\n|250-a\r\n|garbage\r\n|250"
    )
    | st.just(b"250-mx\r\n" + EHLO)
)
letters = st.sampled_from([*SAYINGS, ord("t")]).map(lambda letter: bytes([letter])) | one_of(b"MRD|MRRD|B.|cBB")
turns = st.builds(lambda said, heard: said + b"|" + heard + WAIT, some(letters, 4), some(replies, 5))
greeted = st.sampled_from([b"|220 mx\r\n" + WAIT + hello + b"|250-mx\r\n" + EHLO + WAIT for hello in (b"E", b"L")])
dialogues = st.tuples(flags, seeds, st.just(b"") | greeted, some(turns, 8)).map(b"".join)
proxy_words = one_of(
    b"PROXY| |TCP4|TCP6|UNKNOWN|192.0.2.1|01.2.3.4|2001:db8::7|::ffff:192.0.2.1|fe80::1%eth0|0|25|65535|65536|007|"
    b"\r\n|\r"
)
proxy_lines = st.just(b"PROXY TCP4 ") | st.just(b"PROXY TCP6 ") | st.just(b"")
proxy_blocks = st.builds(
    lambda command, family, block: b"%b%c%c%b%b" % (proxy.SIGNATURE, command, family, len(block).to_bytes(2), block),
    st.sampled_from([0x20, 0x21, 0x22, 0x11]),
    st.sampled_from([0x00, 0x11, 0x12, 0x21, 0x31, 0x13, 0x41]),
    st.builds(
        lambda size, fields: bytes(size) + fields,
        st.sampled_from([0, 11, 12, 36]),
        some(st.binary(max_size=6).map(lambda value: b"\x04\x00%c%b" % (len(value), value)) | st.binary(max_size=2), 3),
    ),
)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=200))
def test_any_octets(name: str, data: bytes) -> None:
    target(name)(data)


@pytest.mark.parametrize("name", TARGETS)
@given(head=st.tuples(flags, seeds).map(b"".join), data=words)
def test_words_of_smtp_in_any_order(name: str, head: bytes, data: bytes) -> None:
    target(name)(data if name in ("address", "params") else head + data)


@given(sessions)
def test_a_server_in_whole_sessions(data: bytes) -> None:
    server.fuzz(data)


@given(dialogues)
def test_a_client_in_whole_dialogues(data: bytes) -> None:
    client.fuzz(data)


@given(st.tuples(st.binary(min_size=3, max_size=3), content).map(b"".join))
def test_bodies_made_of_line_ends_and_dots(data: bytes) -> None:
    body.fuzz(data)


@given(st.tuples(seeds, some(replies, 6)).map(b"".join))
def test_replies_one_behind_the_other(data: bytes) -> None:
    reply.fuzz(data)


@given(
    st.tuples(seeds, proxy_lines, some(proxy_words, 9)).map(b"".join)
    | st.tuples(seeds, proxy_blocks, st.binary(max_size=4)).map(b"".join)
)
def test_headers_of_a_proxy_nearly_right(data: bytes) -> None:
    proxy.fuzz(data)


@given(st.text(max_size=12), st.text(max_size=12))
def test_addresses_of_any_characters(local: str, domain: str) -> None:
    address.fuzz(f"{local}@{domain}".encode(errors="surrogatepass"))


@given(some(st.sampled_from([word for word in WORDS if word.startswith(b" ")]) | st.binary(max_size=3), 5))
def test_parameters_one_behind_the_other(data: bytes) -> None:
    params.fuzz(data)
