"""Reports to senders: golden files, what independent readers make of them, and what hostile hosts try.

``EMPATH_WRITE_GOLDEN=1`` writes the golden files anew; read the difference before it is kept.
"""

import os
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from attrs import evolve
from flufl.bounce import all_failures
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.dsn import MAX_RETURNED_BYTES, Report, report, returned
from empath.mail.envelope import Envelope, Recipient
from empath.mail.failure import judge
from empath.mail.failure_class import FailureClass
from empath.mail.ids import MessageId
from empath.mail.notice import Action, Notice, wanted
from empath.mail.outcome import Delivered
from empath.smtp import (
    Address,
    Body,
    ByMode,
    DeliverBy,
    EnhancedCode,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
    Reply,
    Return,
)

GOLDEN = Path(__file__).parent / "golden"
CAME, NOW = 1762772405.0, 1763204405.0
ORIGINAL, REPORT = MessageId(1762772405, 42), MessageId(1763204405, 43)
CONTENT = b"From: Billing <billing@example.com>\r\nTo: ann@example.org\r\nSubject: Invoice\r\n\r\nPlease pay.\r\n"


def to(address: str, *, notify: Notify | None = None, orcpt: OriginalRecipient | None = None) -> Recipient:
    return Recipient(Address.parse(address), RcptParams(notify=notify, orcpt=orcpt))


def envelope(*recipients: Recipient, sender: str = "billing@example.com", params: MailParams | None = None) -> Envelope:
    path = Address.parse(sender)
    return Envelope(reverse_path=path, recipients=recipients, received=CAME, params=params or MailParams())


def refused(code: int = 550, text: str | tuple[str, ...] = "No such user", enhanced: str | None = "5.1.1") -> Diagnosis:
    return judge(Reply(code, text, enhanced), Phase.RCPT, host="mx1.example.org").diagnosis


def make(
    about: Envelope, *notices: Notice, content: bytes = CONTENT, ret: Return = Return.FULL, message: MessageId = REPORT
) -> Report:
    return report(
        notices,
        envelope=about,
        original=ORIGINAL,
        content=content,
        ret=ret,
        message=message,
        hostname="mx.example.com",
        now=NOW,
    )


def rejected() -> Report:
    ann = to("ann@example.org")
    notice = Notice(
        recipient=ann,
        action=Action.FAILED,
        outcome=refused(),
        failure_class=FailureClass.BAD_MAILBOX,
        last_attempt=CAME + 1,
    )
    return make(envelope(ann), notice)


def delayed() -> Report:
    ann = to("ann@example.org")
    busy = judge(Reply(451, "Greylisted", "4.7.1"), Phase.RCPT, host="mx1.example.org").diagnosis
    notice = Notice(
        recipient=ann,
        action=Action.DELAYED,
        outcome=busy,
        failure_class=FailureClass.GREYLISTED,
        last_attempt=NOW,
        retry_until=NOW + 86_400,
    )
    return make(envelope(ann), notice, ret=Return.HEADERS)


def relayed() -> Report:
    ann = to("ann@example.org", notify=Notify.SUCCESS)
    taken = Delivered(Reply(250, "queued as 77", "2.0.0"), "mx1.example.org")
    notice = Notice(recipient=ann, action=Action.RELAYED, outcome=taken, last_attempt=NOW)
    return make(envelope(ann, params=MailParams(envid="QQ314159")), notice, ret=Return.HEADERS)


def mixed() -> Report:
    """One moment, three recipients, and something else to say of each."""
    ann, bob, eve = to("ann@example.org", notify=Notify.SUCCESS), to("bob@example.org"), to("eve@example.org")
    full = judge(Reply(452, "Mailbox full", "4.2.2"), Phase.RCPT, host="mx1.example.org").diagnosis
    notices = (
        Notice(recipient=ann, action=Action.RELAYED, outcome=Delivered(Reply(250, "ok"), "mx1.example.org")),
        Notice(
            recipient=bob,
            action=Action.DELAYED,
            outcome=full,
            failure_class=FailureClass.MAILBOX_FULL,
            last_attempt=NOW,
            retry_until=NOW + 86_400,
        ),
        Notice(recipient=eve, action=Action.FAILED, outcome=refused(), failure_class=FailureClass.BAD_MAILBOX),
    )
    return make(envelope(ann, bob, eve), *notices)


def expired() -> Report:
    """Two of three recipients: one was never reached, one was put off to the end."""
    bob = to("bob@example.net", orcpt=OriginalRecipient("rfc822", "robert@example.com"))
    eve = to("eve@bücher.example")
    silent = Diagnosis(kind=Kind.CONNECT, phase=Phase.CONNECT, host="mx.example.net", text="connection refused")
    busy = judge(Reply(451, ("Greylisted", "try later"), "4.7.1"), Phase.RCPT, host="[192.0.2.7]").diagnosis
    about = envelope(to("ann@example.org"), bob, eve, params=MailParams(envid="QQ314159", ret=Return.HEADERS))
    notices = (
        Notice(recipient=bob, action=Action.FAILED, outcome=silent, last_attempt=NOW - 60),
        Notice(recipient=eve, action=Action.FAILED, outcome=busy, last_attempt=NOW),
    )
    return make(about, *notices, ret=Return.HEADERS)


def late() -> Report:
    """The time is over that the sender gave with BY, in the mode N: it is tried on (RFC 2852 4.1, 5)."""
    ann = to("ann@example.org", notify=Notify.FAILURE)
    busy = judge(Reply(451, "Not now", "4.3.0"), Phase.MAIL, host="mx1.example.org").diagnosis
    notice = Notice(
        recipient=ann,
        action=Action.DELAYED,
        outcome=evolve(busy, status=EnhancedCode(4, 4, 7)),
        last_attempt=CAME + 600,
        retry_until=NOW + 86_400,
    )
    return make(envelope(ann, params=MailParams(by=DeliverBy(600, ByMode.NOTIFY))), notice, ret=Return.HEADERS)


def passed() -> Report:
    """The host that has it now does not know of that time (RFC 2852 4.1)."""
    ann = to("ann@example.org")
    taken = Delivered(Reply(250, "queued as 77", "2.0.0"), "mx1.example.org")
    notice = Notice(recipient=ann, action=Action.RELAYED, outcome=taken, last_attempt=NOW)
    return make(envelope(ann, params=MailParams(by=DeliverBy(600, ByMode.NOTIFY))), notice, ret=Return.HEADERS)


def overdue() -> Report:
    """The same in the mode R: it is returned, since it is of no use any more."""
    ann = to("ann@example.org")
    silent = Diagnosis(kind=Kind.EXPIRED, phase=Phase.ROUTE, text="it was not attempted in time")
    notice = Notice(recipient=ann, action=Action.FAILED, outcome=silent)
    return make(envelope(ann, params=MailParams(by=DeliverBy(600, ByMode.RETURN))), notice)


def international() -> Report:
    jorg = to("jörg@bücher.example", orcpt=OriginalRecipient("utf-8", "jörg@example.com"))
    diagnosis = Diagnosis(kind=Kind.NEEDS_SMTPUTF8, phase=Phase.MAIL, host="mx.example.net", text="no SMTPUTF8")
    content = "From: billing@example.com\r\nTo: jörg@bücher.example\r\nSubject: Grüße\r\n\r\nHallo!\r\n".encode()
    about = envelope(jorg, params=MailParams(smtputf8=True, body=Body.EIGHT_BIT))
    return make(
        about,
        Notice(recipient=jorg, action=Action.FAILED, outcome=diagnosis, last_attempt=NOW),
        content=content,
        ret=Return.HEADERS,
    )


def hostile() -> Report:
    ann = to("ann@example.org", orcpt=OriginalRecipient("rfc822", "x\r\nBcc: victim@example.net"))
    text = (
        f"--=_{REPORT}",
        f"--=_{REPORT}--\r\nContent-Type: text/html\r\n\r\n<b>",
        "\x1b[2J",
        "Bcc: victim",
        "é" * 90,
    )
    notice = Notice(recipient=ann, action=Action.FAILED, outcome=refused(text=text), last_attempt=None)
    return make(envelope(ann), notice, content=b"Subject: x\r\n\r\n--=_6911c5b5-2b\r\n--=_6911c5b5-2b--\r\n")


def unlawful() -> Report:
    ann = to("ann@example.org")
    content = b"Subject: caf\xe9 = " + b"x" * 90 + b"\r\nTo: ann@example.org\r\n\r\nbody\r\n"
    notice = Notice(recipient=ann, action=Action.FAILED, outcome=refused(), last_attempt=NOW)
    return make(envelope(ann), notice, content=content, ret=Return.HEADERS)


MADE = (rejected, delayed, relayed, mixed, expired, late, passed, overdue, international, hostile, unlawful)
CASES = {case.__name__: case for case in MADE}


def parts(made: Report) -> tuple[EmailMessage, list[EmailMessage]]:
    parsed = message_from_bytes(made.content, policy=policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    found = [part for part in parsed.iter_parts() if isinstance(part, EmailMessage)]
    assert not parsed.defects
    assert [part.defects for part in found] == [[]] * 3
    return parsed, found


def blocks(made: Report) -> list[dict[str, str]]:
    """The blocks of fields in the second part, whatever its type is called."""
    status = made.content.split(b"delivery-status\r\n")[-1].split(b"\r\n\r\n", 1)[1].split(b"\r\n--=_", 1)[0]
    texts = status.decode().removesuffix("\r\n").replace("\r\n ", " ").split("\r\n\r\n")
    return [dict(line.split(": ", 1) for line in text.split("\r\n")) for text in texts]


@pytest.mark.parametrize("name", CASES)
def test_the_report_is_the_golden_file_to_the_octet(name: str) -> None:
    path, made = GOLDEN / f"{name}.eml", CASES[name]()
    if os.environ.get("EMPATH_WRITE_GOLDEN"):
        path.write_bytes(made.content)
    assert made.content == path.read_bytes()


def test_every_action_with_and_without_a_time_that_the_sender_gave_has_a_golden_file() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)
    found = [blocks(make()) for make in MADE]
    assert {block["Action"] for _, *about in found for block in about} == {action.value for action in Action}
    timed = {block["Action"] for message, *about in found if "Deliver-By-Date" in message for block in about}
    assert timed == {"failed", "delayed", "relayed"}


@pytest.mark.parametrize("name", ["late", "overdue", "passed"])
def test_by_when_it_was_to_be_delivered_is_said_again(name: str) -> None:
    """RFC 2852 5."""
    assert blocks(CASES[name]())[0]["Deliver-By-Date"] == "Mon, 10 Nov 2025 11:10:05 +0000"


@pytest.mark.parametrize("name", CASES)
def test_the_report_is_a_lawful_message_of_three_parts(name: str) -> None:
    made = CASES[name]()
    parsed, found = parts(made)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed["auto-submitted"] == "auto-replied"
    assert parsed["report-type"] is None
    assert f"message/{parsed.get_param('report-type')}" == found[1].get_content_type()
    assert len(found) == 3
    lines = made.content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)


@pytest.mark.parametrize("name", CASES)
def test_nobody_is_ever_told_about_a_report(name: str) -> None:
    made = CASES[name]()
    assert made.envelope.reverse_path is None
    assert [str(recipient.address) for recipient in made.envelope.recipients] == ["billing@example.com"]
    assert made.envelope.params.size == len(made.content)
    assert (made.envelope.params.body is Body.EIGHT_BIT) is not made.content.isascii()


def test_a_program_finds_what_it_needs() -> None:
    parsed, found = parts(rejected())
    about, ann = (block for block in found[1].iter_parts())
    assert dict(about.items()) == {
        "Reporting-MTA": "dns; mx.example.com",
        "Arrival-Date": "Mon, 10 Nov 2025 11:00:05 +0000",
    }
    assert dict(ann.items()) == {
        "Final-Recipient": "rfc822; ann@example.org",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx1.example.org",
        "Diagnostic-Code": "smtp; 550 5.1.1 No such user",
        "Last-Attempt-Date": "Mon, 10 Nov 2025 11:00:06 +0000",
    }
    assert parsed["subject"] == "Not delivered: ann@example.org"
    assert found[2].get_content_type() == "message/rfc822"


def test_the_original_is_returned_to_the_octet() -> None:
    assert CONTENT + b"\r\n--=_" in rejected().content


def test_only_the_recipients_it_is_about_are_named() -> None:
    """Defect 11 of the ancestor: its reports always named every recipient of the message."""
    said = expired().content.split(b"text/rfc822-headers")[0]
    assert b"ann@example.org" not in said
    assert [block["Final-Recipient"] for block in blocks(expired())[1:]] == [
        "rfc822; bob@example.net",
        "rfc822; eve@xn--bcher-kva.example",
    ]


def test_what_the_sender_asked_to_be_called_is_said_again() -> None:
    message, bob, eve = blocks(expired())
    assert message["Original-Envelope-Id"] == "QQ314159"
    assert bob["Original-Recipient"] == "rfc822; robert@example.com"
    assert "Original-Recipient" not in eve


def test_an_expired_delivery_is_reported_with_its_last_trouble() -> None:
    _, bob, eve = blocks(expired())
    assert (bob["Status"], bob["Diagnostic-Code"]) == ("4.4.1", "x-empath; mx.example.net: connection refused")
    assert (eve["Status"], eve["Diagnostic-Code"]) == ("4.7.1", "smtp; 451 4.7.1 Greylisted try later")
    assert eve["Remote-MTA"] == "dns; [192.0.2.7]"


def test_where_no_host_was_found_none_is_named() -> None:
    ann = to("ann@example.org")
    lost = Diagnosis(kind=Kind.NO_SUCH_DOMAIN, phase=Phase.ROUTE, text="example.org does not exist")
    _, block = blocks(make(envelope(ann), Notice(recipient=ann, action=Action.FAILED, outcome=lost, last_attempt=NOW)))
    assert "Remote-MTA" not in block
    assert (block["Status"], block["Diagnostic-Code"]) == ("5.1.2", "x-empath; example.org does not exist")


def test_an_international_recipient_is_named_as_it_is() -> None:
    made = international()
    assert made.envelope.params.smtputf8
    _, jorg = blocks(made)
    assert jorg["Final-Recipient"] == "utf-8; jörg@bücher.example"
    assert jorg["Original-Recipient"] == "utf-8; jörg@example.com"
    assert parts(made)[1][2].get_content_type() == "message/global-headers"


def test_without_smtputf8_an_international_recipient_is_written_in_ascii() -> None:
    jorg = to("jörg@bücher.example", orcpt=OriginalRecipient("utf-8", "jörg@example.com"))
    made = make(envelope(jorg), Notice(recipient=jorg, action=Action.FAILED, outcome=refused(), last_attempt=None))
    assert made.content.isascii()
    assert not made.envelope.params.smtputf8
    assert blocks(made)[1]["Final-Recipient"] == r"utf-8; j\x{F6}rg@b\x{FC}cher.example"
    assert blocks(made)[1]["Original-Recipient"] == r"utf-8; j\x{F6}rg@example.com"


def test_an_international_sender_is_written_to_in_utf8() -> None:
    ann = to("ann@example.org")
    about = envelope(ann, sender="jörg@example.com", params=MailParams(smtputf8=True))
    made = make(about, Notice(recipient=ann, action=Action.FAILED, outcome=refused(), last_attempt=None))
    assert made.envelope.params.smtputf8
    assert "To: <jörg@example.com>\r\n".encode() in made.content


def test_what_a_remote_host_says_stays_inside_its_field() -> None:
    parsed, found = parts(hostile())
    assert parsed["bcc"] is None
    assert len(found) == 3
    _, ann = blocks(hostile())
    assert set(ann) == {"Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"}
    assert b"\x1b" not in hostile().content


@given(st.lists(st.text(st.characters() | st.sampled_from("\r\n-=_"), max_size=200), min_size=1, max_size=5))
def test_no_reply_can_change_the_shape_of_a_report(lines: list[str]) -> None:
    ann = to("ann@example.org")
    made = make(
        envelope(ann), Notice(recipient=ann, action=Action.FAILED, outcome=refused(text=tuple(lines)), last_attempt=NOW)
    )
    assert len(parts(made)[1]) == 3
    assert set(blocks(made)[1]) == set(blocks(rejected())[1])


@given(
    st.lists(st.sampled_from([b"--=_", str(REPORT).encode(), b"_", b"--", b"\r\n", b"x"]), max_size=20).map(b"".join)
)
def test_no_content_can_end_the_part_it_is_returned_in(content: bytes) -> None:
    ann = to("ann@example.org")
    made = make(
        envelope(ann), Notice(recipient=ann, action=Action.FAILED, outcome=refused(), last_attempt=NOW), content=content
    )
    boundary = parts(made)[0].get_boundary()
    assert boundary is not None
    assert made.content.count(b"--" + boundary.encode()) == 4
    assert boundary.encode() not in content


def test_octets_that_no_header_may_have_are_encoded() -> None:
    made = unlawful()
    assert made.content.isascii()
    assert parts(made)[1][2].get_payload(decode=True) == (
        b"Subject: caf\xe9 = " + b"x" * 90 + b"\r\nTo: ann@example.org\r\n"
    )


def test_an_eight_bit_body_is_returned_as_it_is() -> None:
    ann = to("ann@example.org")
    content = b"Subject: x\r\n\r\ncaf\xe9\r\n"
    made = make(
        envelope(ann),
        Notice(recipient=ann, action=Action.FAILED, outcome=refused(), last_attempt=None),
        content=content,
    )
    assert content in made.content
    assert made.envelope.params == MailParams(size=len(made.content), body=Body.EIGHT_BIT)


def test_an_endless_header_section_is_cut_at_the_end_of_a_line() -> None:
    ann = to("ann@example.org")
    notice = Notice(recipient=ann, action=Action.FAILED, outcome=refused(), last_attempt=None)
    made = make(envelope(ann), notice, content=b"X: y\r\n" * 100_000 + b"\r\n", ret=Return.HEADERS)
    assert len(made.content) < 60_000
    assert b"\r\nX: y\r\n\r\n--=_" in made.content


def test_the_same_failure_makes_the_same_report() -> None:
    assert rejected() == rejected()


def test_where_nobody_is_to_be_told_no_report_is_made() -> None:
    ann = to("ann@example.org")
    notice = Notice(recipient=ann, action=Action.FAILED, outcome=refused(), last_attempt=None)
    with pytest.raises(ValueError, match="no report"):
        make(evolve(envelope(ann), reverse_path=None), notice)
    with pytest.raises(ValueError, match="no report"):
        make(envelope(ann))


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        (None, {Action.FAILED, Action.DELAYED}),
        (Notify.NEVER, set()),
        (Notify.FAILURE, {Action.FAILED}),
        (Notify.DELAY, {Action.DELAYED}),
        (Notify.SUCCESS, {Action.RELAYED}),
        (Notify.SUCCESS | Notify.FAILURE, {Action.RELAYED, Action.FAILED}),
        (~Notify.NEVER, {*Action}),
    ],
)
def test_notify_decides_and_never_means_never(notify: Notify | None, told: set[Action]) -> None:
    ann = to("ann@example.org", notify=notify)
    assert {action for action in Action if wanted(action, envelope(ann), ann)} == told
    assert not any(wanted(action, evolve(envelope(ann), reverse_path=None), ann) for action in Action)


@pytest.mark.parametrize(
    ("ret", "size_bytes", "expected"),
    [
        (None, MAX_RETURNED_BYTES, Return.FULL),
        (None, MAX_RETURNED_BYTES + 1, Return.HEADERS),
        (Return.FULL, 10, Return.FULL),
        (Return.FULL, MAX_RETURNED_BYTES + 1, Return.HEADERS),
        (Return.HEADERS, 10, Return.HEADERS),
    ],
)
def test_how_much_comes_back(ret: Return | None, size_bytes: int, expected: Return) -> None:
    assert returned(envelope(params=MailParams(ret=ret)), size_bytes, {Action.FAILED, Action.DELAYED}) is expected


def test_no_content_is_returned_of_a_message_that_must_not_go_in_clear() -> None:
    assert returned(envelope(params=MailParams(requiretls=True)), 1, {Action.FAILED}) is Return.HEADERS


def test_without_a_failure_only_the_header_comes_back() -> None:
    """RFC 3461 4.3."""
    assert returned(envelope(params=MailParams(ret=Return.FULL)), 1, {Action.DELAYED, Action.RELAYED}) is Return.HEADERS


def test_configuration_says_what_is_large() -> None:
    assert returned(envelope(), 11, {Action.FAILED}, limit_bytes=10) is Return.HEADERS
    assert returned(envelope(), 100_000, {Action.FAILED}, limit_bytes=100_000) is Return.FULL


def test_a_delay_says_until_when_it_is_tried() -> None:
    _, ann = blocks(delayed())
    assert (ann["Action"], ann["Status"]) == ("delayed", "4.7.1")
    assert ann["Will-Retry-Until"] == "Sun, 16 Nov 2025 11:00:05 +0000"


def test_what_was_passed_on_has_a_status_of_success() -> None:
    message, ann = blocks(relayed())
    assert message["Original-Envelope-Id"] == "QQ314159"
    assert (ann["Action"], ann["Status"], ann["Remote-MTA"]) == ("relayed", "2.0.0", "dns; mx1.example.org")
    assert ann["Diagnostic-Code"] == "smtp; 250 2.0.0 queued as 77"


def test_one_report_says_something_else_of_each_recipient_and_the_gravest_first() -> None:
    parsed, _ = parts(mixed())
    _, *recipients = blocks(mixed())
    assert [one["Action"] for one in recipients] == ["relayed", "delayed", "failed"]
    assert parsed["subject"] == "Not delivered: eve@example.org"
    words = mixed().content.split(b"message/delivery-status")[0]
    assert words.index(b"<eve@") < words.index(b"<bob@") < words.index(b"<ann@")


@pytest.mark.parametrize(
    ("name", "temporary", "permanent"),
    [
        ("rejected", set(), {b"ann@example.org"}),
        ("delayed", {b"ann@example.org"}, set()),
        ("relayed", set(), set()),
        ("late", {b"ann@example.org"}, set()),
        ("passed", set(), set()),
        ("overdue", set(), {b"ann@example.org"}),
        ("mixed", {b"bob@example.org"}, {b"eve@example.org"}),
        # It looks for the Original-Recipient first, as who knows addresses by these must.
        ("expired", set(), {b"robert@example.com", b"eve@xn--bcher-kva.example"}),
        ("unlawful", set(), {b"ann@example.org"}),
    ],
)
def test_an_independent_bounce_parser_understands_it(name: str, temporary: set[bytes], permanent: set[bytes]) -> None:
    found = all_failures(message_from_bytes(CASES[name]().content))
    assert [set(found[0]), set(found[1])] == [temporary, permanent]
