"""What the tests of the protocol draw from: every value that goes over the wire, and every way to cut it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import cycle
from typing import TypeVar

from hypothesis import strategies as st

from empath.smtp import (
    Address,
    Auth,
    AuthResponse,
    Bdat,
    Body,
    ByMode,
    Command,
    Data,
    DeliverBy,
    Ehlo,
    EnhancedCode,
    Expn,
    Extensions,
    Helo,
    Help,
    Lhlo,
    Mail,
    MailParams,
    Noop,
    Notify,
    OriginalRecipient,
    Quit,
    Rcpt,
    RcptParams,
    Reply,
    Return,
    Rset,
    StartTls,
    Vrfy,
    Xclient,
)

T = TypeVar("T")
ALNUM = "abcxyzABCXYZ0189"
ATEXT = ALNUM + "!#$%&'*+-/=?^_`{|}~"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
VISIBLE = PRINTABLE[1:]


def weighted(*choices: tuple[int, st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """One of these, each as often as its weight says; ``one_of`` knows no weights."""
    return st.sampled_from([strategy for weight, strategy in choices for _ in range(weight)]).flatmap(
        lambda chosen: chosen
    )


# -- segments

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)
"""Lengths of segments, for ``split``."""


def split(octets: bytes, lengths: Sequence[int]) -> Iterator[bytes]:
    """Cut ``octets`` into segments of these lengths, the last segment aside; the lengths are used again and again."""
    start, steps = 0, cycle(lengths)
    while start < len(octets):
        end = start + next(steps)
        yield octets[start:end]
        start = end


def soup(*ingredients: bytes, max_size: int = 40) -> st.SearchStrategy[bytes]:
    """Octets made of these pieces in any order: what a grammar is most likely to stumble over."""
    return st.lists(st.sampled_from(ingredients), max_size=max_size).map(b"".join)


# -- addresses, as they are written

non_ascii = st.characters(min_codepoint=0x80, max_codepoint=0x1FFFF, exclude_categories=["Cs"])
"""Characters that only SMTPUTF8 lets into an address."""
_atoms = st.text(ATEXT, min_size=1, max_size=8)
_utf8_atoms = st.text(st.sampled_from(ATEXT) | non_ascii, min_size=1, max_size=8)
_quotable = st.sampled_from([c for c in PRINTABLE if c not in '"\\'] + [f"\\{c}" for c in PRINTABLE])


def _dot_string(atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(atoms, min_size=1, max_size=3).map(".".join)


def _quoted(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(characters, max_size=12).map(lambda parts: f'"{"".join(parts)}"')


ascii_locals = _dot_string(_atoms) | _quoted(_quotable)
utf8_locals = (_dot_string(_utf8_atoms) | _quoted(_quotable | non_ascii)).filter(lambda local: len(local.encode()) < 64)
_labels = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,8}[A-Za-z0-9_])?", fullmatch=True)
ascii_domains = st.lists(_labels, min_size=1, max_size=4).map(".".join)
"""Domains of letters, digits, hyphens and underscores."""
utf8_domains = st.sampled_from(["bücher.example", "MÜNCHEN.de", "例え.jp", "παράδειγμα.δοκιμή", "ｅｘａｍｐｌｅ.org"])
literals = (
    st.ip_addresses(v=4).map(lambda ip: f"[{ip}]")
    | st.ip_addresses(v=6).map(lambda ip: f"[IPv6:{ip}]")
    | st.just("[x-tag:1!a]")
)


def _mailboxes(
    local_parts: st.SearchStrategy[str], domains: st.SearchStrategy[str]
) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(local_parts, domains)


ascii_mailboxes = _mailboxes(ascii_locals, ascii_domains | literals)
"""Pairs of local part and domain, as text."""
utf8_mailboxes = _mailboxes(utf8_locals, ascii_domains | utf8_domains)
ascii_addresses = ascii_mailboxes.map(lambda pair: Address.parse("@".join(pair)))
utf8_addresses = utf8_mailboxes.map(lambda pair: Address.parse("@".join(pair)))

# -- parameters

_zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_printable = st.characters(max_codepoint=0x1FFFF, exclude_categories=["Cs"]).filter(str.isprintable)
deliver_by = st.builds(DeliverBy, st.integers(1, 10**9 - 1), st.sampled_from(ByMode), st.booleans()) | st.builds(
    DeliverBy, st.integers(1 - 10**9, 0), st.just(ByMode.NOTIFY), st.booleans()
)
mail_params = st.builds(
    MailParams,
    size=st.none() | st.integers(0, 10**20 - 1),
    body=st.none() | st.sampled_from([Body.SEVEN_BIT, Body.EIGHT_BIT]),
    smtputf8=st.booleans(),
    auth=st.none() | st.just("<>") | ascii_addresses.map(str),
    ret=st.none() | st.sampled_from(Return),
    envid=st.none() | st.text(PRINTABLE, min_size=1, max_size=33),
    requiretls=st.booleans(),
    mt_priority=st.none() | st.integers(-9, 9),
    by=st.none() | deliver_by,
)
"""Without a time to hold the message back: see ``held_params``."""
held_params = st.builds(MailParams, hold_for_s=st.integers(0, 10**9 - 1)) | st.builds(
    MailParams, hold_until=st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=_zones)
)
original_recipients = st.builds(
    OriginalRecipient, st.sampled_from(["rfc822", "x400", "x-unix"]), st.text(PRINTABLE, min_size=1, max_size=160)
) | st.builds(OriginalRecipient, st.just("utf-8"), st.text(_printable, min_size=1, max_size=48))
notify = st.lists(st.sampled_from(list(Notify)), max_size=3).map(
    lambda flags: Notify(sum(flag.value for flag in {*flags}))
)
rcpt_params = st.builds(RcptParams, notify=st.none() | notify, orcpt=st.none() | original_recipients)

# -- replies and extensions

codes = st.builds(lambda a, b, c: 100 * a + 10 * b + c, st.integers(2, 5), st.integers(0, 5), st.integers(0, 9))


def replies(*, utf8: bool) -> st.SearchStrategy[Reply]:
    """Replies that can be told apart on the wire: their text does not begin as an enhanced code would."""
    text = st.text(_printable | st.just("\t"), max_size=40) if utf8 else st.text(PRINTABLE + "\t", max_size=80)
    texts = st.lists(text, min_size=1, max_size=4).map(tuple)
    details = st.tuples(st.integers(0, 999), st.integers(0, 999))

    def build(code: int, lines: tuple[str, ...], detail: tuple[int, int] | None) -> Reply:
        kind = code // 100
        if detail is not None and kind != 3:
            return Reply(code, lines, EnhancedCode(kind, *detail))
        return Reply(code, (f"-{lines[0]}", *lines[1:]))

    return st.builds(build, codes, texts, st.none() | details)


_keywords = st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,9}", fullmatch=True).filter(lambda word: word != "AUTH")
_words = st.lists(st.text(VISIBLE, min_size=1, max_size=8), max_size=3).map(tuple)
mechanisms = st.from_regex(r"[A-Z0-9_-]{1,20}", fullmatch=True)
extensions = st.builds(
    lambda offered, auth: Extensions({**offered, **({"AUTH": tuple(auth)} if auth else {})}),
    st.dictionaries(_keywords, _words, max_size=6),
    st.lists(mechanisms, max_size=3),
)

# -- commands

host_names = st.from_regex(r"[A-Za-z0-9_.:-]{1,20}|\[[A-Za-z0-9.:-]{1,20}\]", fullmatch=True)
_arguments = st.text(VISIBLE, min_size=1, max_size=20)
xclient = st.dictionaries(_keywords, st.text(PRINTABLE, max_size=9), min_size=1, max_size=3).map(
    lambda attributes: Xclient(tuple(attributes.items()))
)
ascii_mail = st.builds(Mail, st.none() | ascii_addresses, mail_params | held_params)
utf8_mail = st.builds(Mail, utf8_addresses, st.just(MailParams(smtputf8=True)))
commands: st.SearchStrategy[Command] = st.one_of(
    *(st.builds(kind, host_names) for kind in (Helo, Ehlo, Lhlo)),
    *(st.builds(kind, _arguments) for kind in (Vrfy, Expn, Help)),
    *(st.builds(kind) for kind in (Data, Rset, Noop, Help, Quit, StartTls)),
    ascii_mail,
    utf8_mail,
    st.builds(Rcpt, ascii_addresses | utf8_addresses, rcpt_params),
    st.builds(Bdat, st.integers(0, 10**18 - 1), st.booleans()),
    st.builds(Auth, mechanisms, st.none() | st.binary(max_size=40)),
    xclient,
)
"""Every command that has a line of its own; for the lines of an AUTH exchange see ``responses``."""
responses = st.builds(AuthResponse, st.binary(max_size=40))

# -- bodies

text_lines = st.lists(
    soup(b".", b"..", b"a", b" ", b"\x01", b"\xff", max_size=6) | st.binary(max_size=9), min_size=1, max_size=6
).map(lambda lines: [line.translate(bytes.maketrans(b"\r\n\0", b"---")) for line in lines])
"""Lines without their ends."""
contents = text_lines.map(b"\r\n".join)
"""Bodies as they may be sent: CR and LF only as CRLF, no NUL. The last line has an end or none."""
wire_soup = soup(b"\r", b"\n", b".", b"\r\n", b"a", b"\r\n.\r\n", b"\r\n..", b"\0", b"aaaaaaaa")
"""What comes from those who probe where a body ends."""
