"""The hook ``rspamd``: has a message judged by an rspamd, over HTTP (``/checkv2``).

============================  =========================================================
action of rspamd              what becomes of the message
============================  =========================================================
``reject``, ``discard``       550 5.7.1
``soft reject``, ``greylist`` 451 4.7.1
``add header``                accepted, with ``X-Spam: Yes``
``rewrite subject``           the same
``quarantine``                the same
``no action``                 accepted
============================  =========================================================

What is accepted also gets ``X-Spam-Status`` with the score, and the fields that rspamd asks to add. It can ask for more
than that, and does not get it here: nothing of a message is removed or rewritten, since it goes on octet by octet. A
sender may therefore have written such fields itself; those of this host are the uppermost ones.

Why over HTTP and not as a milter: one request holds all that rspamd wants to know, and its answer all that it found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

import msgspec
from attrs import define, field, frozen

from empath.config.kinds import Kind
from empath.config.refusal import quoted
from empath.config.schema.keys import size, value
from empath.config.units import UnitError
from empath.hooks.answers import MAX_FIELDS_OCTETS, AddFields, Answer, Refuse
from empath.hooks.events import hookimpl
from empath.hooks.values import Message, SessionFacts
from empath.mail.added import written
from empath.mail.headers import header_address
from empath.smtp import Address, Reply
from empath.world.errors import FetchFailed
from empath.world.fetch import refuse_clear_text
from empath.world.ports import FetchLimits, World

ANSWER: Final = FetchLimits(timeout_s=300.0, size_bytes=1024 * 1024)
"""How long is waited the deadline of the hook says, which is shorter."""
MAX_RECIPIENTS: Final = 100
"""So many are named to rspamd: for what it decides by recipient; a request must not grow with an envelope."""
MAX_TEXT: Final = 200


def _url(text: str) -> str:
    try:
        refuse_clear_text(text)
    except FetchFailed as problem:
        raise UnitError(str(problem)) from None
    return text.rstrip("/")


URL: Final = Kind(
    noun="a URL",
    grammar="it is https, and may be http to this machine itself",
    example='"https://rspamd.example.org"',
    types=(str,),
    convert=_url,
    show=quoted,
)


@frozen(kw_only=True)
class RspamdSettings:
    """``[smtp.hooks.settings]`` of the hook ``rspamd``."""

    url: str = value(URL, "http://127.0.0.1:11333", "where rspamd is: http on this machine, https elsewhere")
    max_size_bytes: int = size(
        "4MiB", "how large a message may be to be judged; a larger one passes without", at_least="1KiB", at_most="64MiB"
    )


class AddedField(msgspec.Struct):
    """A field that rspamd wants on top, with the place that it has in mind."""

    value: str
    order: int = 0


class Milter(msgspec.Struct):
    """What rspamd would have a milter do."""

    add_headers: dict[str, str | AddedField | list[str | AddedField]] = {}


class Verdict(msgspec.Struct):
    """The answer of rspamd, as far as it is used."""

    action: str
    score: float = 0.0
    required_score: float = 0.0
    messages: dict[str, str] = {}
    milter: Milter = msgspec.field(default_factory=Milter)


@define(eq=False)
class Rspamd:
    """See the module."""

    Settings: ClassVar = RspamdSettings

    settings: RspamdSettings = field(kw_only=True)
    world: World = field(kw_only=True)

    @hookimpl
    async def on_message(self, session: SessionFacts, message: Message) -> Answer:
        """Ask rspamd. Raises FetchFailed if that brings no verdict."""
        content = await message.content(self.settings.max_size_bytes)
        if content is None:
            return None
        url = f"{self.settings.url}/checkv2"
        response = await self.world.fetch.post(url, content, ANSWER, headers=dict(about(session, message)))
        if response.status != 200:
            raise FetchFailed(url, f"status {response.status}: {printable(response.body.decode('latin-1'))}")
        return answer_to(msgspec.json.decode(response.body, type=Verdict))


def about(session: SessionFacts, message: Message) -> Iterator[tuple[str, str]]:
    """Yield what rspamd is told beside the content, under its names."""
    envelope = message.envelope
    yield "Queue-Id", str(message.mid)
    yield "From", f"<{_address(envelope.reverse_path) if envelope.reverse_path else ''}>"
    yield "Rcpt", ", ".join(f"<{_address(one.address)}>" for one in envelope.recipients[:MAX_RECIPIENTS])
    if session.client_ip:
        yield "IP", session.client_ip
    if session.hello:
        yield "Helo", _plain(session.hello)
    if session.login is not None:
        yield "User", _plain(session.login)
    if session.tls is not None:
        yield "TLS-Cipher", session.tls.cipher
        yield "TLS-Version", session.tls.version


def answer_to(verdict: Verdict) -> Answer:
    """What a verdict means here. An action that we do not know is a ValueError."""
    text = printable(verdict.messages.get("smtp_message", ""))
    match verdict.action:
        case "reject" | "discard":
            return Refuse(Reply(550, text or "the message looks like spam", "5.7.1"))
        case "soft reject" | "greylist":
            return Refuse(Reply(451, text or "try again later", "4.7.1"))
        case "add header" | "rewrite subject" | "quarantine":
            return AddFields(_usable([("X-Spam", "Yes"), *_fields(verdict, "Yes")]))
        case "no action":
            return AddFields(_usable(_fields(verdict, "No")))
    raise ValueError(f"rspamd has an action {printable(verdict.action)!r} that is not known here")


def _usable(fields: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Leave out what cannot be added. A spammer can have a part in such fields: they must not cost the verdict."""
    left_octets = MAX_FIELDS_OCTETS
    for name, content in fields:
        try:
            left_octets -= len(written(name, content))
        except ValueError:
            continue
        if left_octets < 0:
            return
        yield name, content


def _fields(verdict: Verdict, said: str) -> Iterator[tuple[str, str]]:
    yield "X-Spam-Status", f"{said}, score={verdict.score:.2f} required={verdict.required_score:.2f}"
    for name, wanted in verdict.milter.add_headers.items():
        for one in wanted if isinstance(wanted, list) else [wanted]:
            yield name, _plain(one.value if isinstance(one, AddedField) else one)


def printable(text: str) -> str:
    """A text of rspamd for a reply or a log: it may quote what a stranger wrote."""
    plain = _plain(text)[:MAX_TEXT]
    return "".join(mark if mark.isprintable() else " " for mark in plain).strip()


def _address(address: Address) -> str:
    return _plain(header_address(address))


def _plain(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")
