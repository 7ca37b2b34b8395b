"""What failures are about: the shipped rules with their examples, and files of rules that cannot be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import judge
from empath.mail.failure_class import FailureClass
from empath.policy.replies import ReplyClasses, ReplyRule, RulesFault, classes_after, example, parse, shipped
from empath.policy.replies.shipped import CLASSES
from empath.smtp import Reply

RULE = """
[[rules]]
class = "spam"
text = "no thanks"
examples = ["550 No thanks"]
counterexamples = ["550 thanks"]
"""
SHIPPED = classes_after()
REFUSALS = st.builds(
    Reply, st.sampled_from([421, 450, 451, 452, 550, 552, 554]), st.text(st.characters(max_codepoint=0x2FF))
)


def cases(kind: str) -> list[tuple[ReplyRule, str]]:
    return [(rule, text) for rule in shipped(CLASSES) for text in getattr(rule, kind)]


@pytest.mark.parametrize(("rule", "text"), cases("examples"), ids=lambda value: value if isinstance(value, str) else "")
def test_each_rule_decides_of_its_examples(rule: ReplyRule, text: str) -> None:
    diagnosis = judge(example(text), Phase.RCPT, host="mx.example.org").diagnosis
    assert SHIPPED.decisive(example(text), Phase.RCPT, None) is rule
    assert SHIPPED.classify(diagnosis) is rule.failure_class


@pytest.mark.parametrize(
    ("rule", "text"), cases("counterexamples"), ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_rule_fits_its_counterexamples(rule: ReplyRule, text: str) -> None:
    assert not rule.fits(example(text), Phase.RCPT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1 <x@example.org>: Recipient address rejected: User unknown in relay table", "bad_mailbox"),
        ("552 5.2.2 <x@example.org>: user is over quota", "mailbox_full"),
        ("450 4.2.0 <x@example.org>: Recipient address rejected: Greylisted", "greylisted"),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using bl.example", "blocked"),
        ("550 5.7.1 Our system has detected that this message is likely spam", "spam"),
        ("554 5.7.1 <x@example.org>: Relay access denied", "relaying"),
        ("550 5.7.1 policy says no", "policy"),
        ("451 4.7.24 SPF lookup failed", "authentication"),
        ("550 no", "other"),
        ("450 no", "other"),
    ],
)
def test_replies_as_hosts_give_them_are_understood(text: str, expected: str) -> None:
    diagnosis = judge(example(text), Phase.RCPT, host="mx.example.org").diagnosis
    assert SHIPPED.classify(diagnosis) is FailureClass(expected)


@pytest.mark.parametrize("kind", Kind)
def test_where_no_host_answered_the_kind_decides(kind: Kind) -> None:
    found = SHIPPED.classify(Diagnosis(kind=kind, phase=Phase.MAIL))
    judged = {
        Kind.MESSAGE_DEFERRED,
        Kind.RECIPIENT_DEFERRED,
        Kind.MESSAGE_REJECTED,
        Kind.RECIPIENT_REJECTED,
        Kind.EXPIRED,
    }
    assert (found is FailureClass.OTHER) is (kind in judged)


def test_silence_after_the_end_is_uncertain_whatever_broke() -> None:
    for kind in (Kind.TIMEOUT, Kind.CONNECTION_LOST, Kind.PROTOCOL):
        assert SHIPPED.classify(Diagnosis(kind=kind, phase=Phase.END)) is FailureClass.UNCERTAIN
    answered = judge(Reply(451, "later"), Phase.END, host="mx.example.org").diagnosis
    assert SHIPPED.classify(answered) is not FailureClass.UNCERTAIN


def test_a_refused_starttls_is_about_tls() -> None:
    refused = judge(Reply(454, "not now"), Phase.STARTTLS, host="mx.example.org").diagnosis
    assert SHIPPED.classify(refused) is FailureClass.TLS


@given(REFUSALS, st.sampled_from([Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.END, Phase.GREETING]))
def test_every_refusal_has_a_class(reply: Reply, phase: Phase) -> None:
    SHIPPED.classify(judge(reply, phase, host="mx.example.org").diagnosis)


@pytest.mark.parametrize("text", ["a" * 100_000, "mailbox " * 20_000, "ip " + "x" * 100_000, "(" * 100_000])
def test_no_answer_is_so_long_that_looking_at_it_takes_long(text: str) -> None:
    found = ReplyClasses(shipped(CLASSES)).classify(judge(Reply(550, text), Phase.END, host="mx").diagnosis)
    assert isinstance(found, FailureClass)


def test_every_class_has_a_sentence_but_the_one_that_says_nothing() -> None:
    assert [one for one in FailureClass if not one.sentence] == [FailureClass.OTHER]
    assert all(one.sentence.isascii() for one in FailureClass)


def test_own_rules_are_asked_before_those_that_come_with_empath() -> None:
    diagnosis = judge(Reply(550, "no thanks, user unknown", "5.1.1"), Phase.RCPT, host="mx").diagnosis
    assert SHIPPED.classify(diagnosis) is FailureClass.BAD_MAILBOX
    assert classes_after(parse(RULE)).classify(diagnosis) is FailureClass.SPAM


def test_all_that_a_rule_names_must_fit() -> None:
    (rule,) = parse(
        RULE.replace("text =", 'codes = ["550"]\nstatus = ["*.7.*"]\nphases = ["end"]\ntext =').replace(
            '"550 No thanks"', '"550 5.7.9 No thanks"'
        )
    )
    assert rule.fits(Reply(550, "no thanks", "5.7.1"), Phase.END)
    assert not rule.fits(Reply(554, "no thanks", "5.7.1"), Phase.END)
    assert not rule.fits(Reply(550, "no thanks", "5.1.1"), Phase.END)
    assert not rule.fits(Reply(550, "no thanks"), Phase.END)
    assert not rule.fits(Reply(550, "no thanks", "5.7.1"), Phase.RCPT)
    assert not rule.fits(Reply(550, "thanks", "5.7.1"), Phase.END)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules = [", "not TOML"),
        ("rules = 7", r"written as \[\[rules\]\]"),
        ("rule = []", "rule is none of its keys"),
        (RULE.replace("spam", "ham"), "class is 'ham'"),
        (RULE.replace("text", "words"), "words is none of its keys"),
        (RULE.replace("no thanks", "no (thanks"), "no regular expression"),
        (RULE.replace('"no thanks"', "7"), "regular expression in quotes"),
        (f'{RULE}codes = ["250"]', "'250' is no beginning of a code"),
        (f'{RULE}codes = "550"', "codes is a list"),
        (f'{RULE}status = ["5.1"]', "'5.1' is no status"),
        (f'{RULE}phases = ["quit"]', "'quit' is no phase"),
        (RULE.replace('["550 No thanks"]', "[]"), "needs examples and counterexamples"),
        (RULE.replace("550 thanks", "thanks"), "'thanks' is no reply"),
        (RULE.replace('["550 No thanks"]', '["550 thanks"]'), "rule 1: it does not fit its example"),
        (RULE.replace('["550 thanks"]', '["550 no thanks"]'), "rule 1: it fits its counterexample"),
        (RULE + RULE, "rule 1 decides of its example|rule 2: rule 1 decides"),
    ],
)
def test_a_file_that_does_not_do_what_it_says_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(RulesFault, match=complaint):
        parse(text)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(RulesFault) as caught:
        parse(RULE.replace("spam", "ham") + RULE.replace("no thanks", "("))
    assert [line.partition(":")[0] for line in str(caught.value).split("\n")] == ["rule 1", "rule 2"]


def test_a_file_without_rules_is_no_mistake() -> None:
    assert parse("") == ()
