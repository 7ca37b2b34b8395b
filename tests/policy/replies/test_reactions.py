"""What lanes do about answers: the shipped rules with their examples, and rules that cannot be used."""

import pytest

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import judge
from empath.policy.replies import Reaction, ReplyRule, RulesFault, example, parse, reactions_after, shipped
from empath.policy.replies.reactions import with_reaction
from empath.policy.replies.shipped import PROVIDERS
from empath.smtp import Reply

RULE = """
[[rules]]
hosts = [".provider.example"]
codes = ["421"]
text = "too fast"
slow = 0.5
examples = ["421 4.7.0 You are too fast"]
counterexamples = ["421 4.3.2 Shutting down"]
"""
SHIPPED = reactions_after()


def cases(kind: str) -> list[tuple[ReplyRule, str]]:
    return [(rule, text) for rule in shipped(PROVIDERS) for text in getattr(rule, kind)]


def host_of(rule: ReplyRule) -> str:
    return f"mx1{rule.hosts[0]}" if rule.hosts else "mx.example.org"


def phase_of(rule: ReplyRule) -> Phase:
    return min(rule.phases, key=list(Phase).index) if rule.phases else Phase.RCPT


def names(value: object) -> str:
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("rule", "text"), cases("examples"), ids=names)
def test_each_shipped_rule_decides_of_its_examples(rule: ReplyRule, text: str) -> None:
    diagnosis = judge(example(text), phase_of(rule), host=host_of(rule)).diagnosis
    assert SHIPPED.to(diagnosis) == rule.reaction


@pytest.mark.parametrize(("rule", "text"), cases("counterexamples"), ids=names)
def test_no_shipped_rule_fits_its_counterexamples(rule: ReplyRule, text: str) -> None:
    assert not rule.fits(example(text), phase_of(rule), host_of(rule))


@pytest.mark.parametrize(
    "text",
    [
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
        "452 4.2.2 The email account that you tried to reach is over quota",
        "450 4.2.0 Greylisted, try again in 300 seconds",
        "550 5.1.1 User unknown",
        "451 4.3.0 Temporary lookup failure",
        "552 5.3.4 Message too big",
        "421 4.3.2 Service shutting down",
        "452 4.5.3 Too many recipients",
    ],
)
@pytest.mark.parametrize("host", ["mx.example.org", "gmail-smtp-in.l.google.com", "mx1.mail.yahoodns.net"])
def test_what_is_about_a_mailbox_or_a_message_slows_no_lane_down(text: str, host: str) -> None:
    assert SHIPPED.to(judge(example(text), Phase.RCPT, host=host).diagnosis) is None


def test_silence_has_no_reaction() -> None:
    assert SHIPPED.to(Diagnosis(kind=Kind.TIMEOUT, phase=Phase.MAIL, host="mx.google.com")) is None


def test_a_rule_is_for_its_hosts_only() -> None:
    rules = with_reaction(parse(RULE))
    said = Reply(421, "too fast", "4.7.0")
    for host, expected in [
        ("mx.provider.example", Reaction(slow=0.5)),
        ("MX.Provider.Example.", Reaction(slow=0.5)),
        ("provider.example", None),
        ("mx.otherprovider.example", None),
        (None, None),
    ]:
        diagnosis = Diagnosis(kind=Kind.BUSY, phase=Phase.GREETING, host=host, reply=said)
        assert rules.to(diagnosis) == expected


def test_own_rules_are_asked_first() -> None:
    own = parse(RULE.replace(".provider.example", ".google.com").replace("slow = 0.5", 'suspend = "2h"'))
    said = judge(Reply(421, "too fast, slow down", "4.7.0"), Phase.RCPT, host="mx.google.com").diagnosis
    assert SHIPPED.to(said) == Reaction(slow=0.5)
    assert reactions_after(own).to(said) == Reaction(suspend_s=7200.0)


def test_a_rule_may_say_what_a_failure_is_about_and_what_to_do() -> None:
    (rule,) = parse(RULE.replace("slow = 0.5", 'slow = 0.5\nclass = "rate_limited"\nconnections = 3\nlasts = "2h"'))
    assert rule.failure_class is not None
    assert rule.reaction == Reaction(slow=0.5, connections=3, lasts_s=7200.0)
    assert str(rule.reaction) == "slow 0.5, connections 3"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (RULE.replace("slow = 0.5", ""), "says neither what a failure is about"),
        (RULE.replace("slow = 0.5", "slow = 1.0"), "factor above 0 and below 1"),
        (RULE.replace("slow = 0.5", "slow = true"), "factor above 0 and below 1"),
        (RULE.replace("slow = 0.5", "connections = 0"), "whole number from 1"),
        (RULE.replace("slow = 0.5", "connections = true"), "whole number from 1"),
        (RULE.replace("slow = 0.5", 'suspend = "soon"'), "suspend is a time like '15m'"),
        (RULE.replace("slow = 0.5", "suspend = 7"), "suspend is a time like '15m'"),
        (RULE.replace("slow = 0.5", 'class = "spam"\nlasts = "1h"'), "lasts means nothing"),
        (RULE.replace(".provider", ".Provider"), "no name of a host in lower case"),
        (RULE + RULE, "rule 2: rule 1 decides of its example"),
    ],
)
def test_a_rule_that_does_not_do_what_it_says_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(RulesFault, match=complaint):
        parse(text)


def test_a_rule_about_classes_does_not_decide_for_one_about_reactions() -> None:
    first = RULE.replace("slow = 0.5", 'class = "spam"')
    assert len(parse(first + RULE)) == 2
