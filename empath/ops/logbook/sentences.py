"""Facts as sentences: what is said of each, in which order, under which keys.

Texts of peers were made printable when they were read. They come last in their line and are cut, so that a program that
looks for ``to=`` finds ours and not a host's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from empath.mail import facts
from empath.mail.delivery import Status
from empath.mail.facts import Fact
from empath.mail.operator_facts import OperatorActed, OperatorLogin, RuleEnded, RuleSet
from empath.mail.outcome import Bounced, Delivered
from empath.mail.reload_facts import ConfigReloaded
from empath.mail.trace_context import TraceContext
from empath.smtp.reply import Reply

MOST_OF_A_TEXT: Final = 300
"""Characters of what a peer has said."""
_MOST_NAMED: Final = 10
"""A report on a thousand recipients is still one line that can be read."""

Pairs = list[tuple[str, str | int]]


class Sentence(NamedTuple):
    """One line, as far as it does not depend on how lines are written."""

    level: int
    part: str
    event: str
    pairs: Pairs
    similar: tuple[str, ...] | None = None
    """What it has in common with others that say the same; None: it is one of its kind."""


def sentence(fact: Fact) -> Sentence | None:
    """What is said of a fact; None: nothing."""
    say = _SENTENCES.get(type(fact))
    return None if say is None else say(fact)


def _accepted(fact: facts.MessageAccepted) -> Sentence:
    envelope = fact.envelope
    origin, recipients = envelope.origin, envelope.recipients
    pairs: Pairs = [("mid", str(fact.message)), ("session", str(fact.session or "-"))]
    if origin is not None:
        pairs.append(("client", origin.client_ip or "-"))
        pairs += [(key, value) for key, value in (("login", origin.user), ("tls", origin.tls_version)) if value]
    pairs += [
        ("from", str(envelope.reverse_path or "<>")),
        ("to", str(recipients[0].address) if recipients else "-"),
        ("recipients", len(recipients)),
        ("size", fact.size_bytes),
        ("commit", _seconds(fact.commit_s)),
        *_trace(envelope.trace_context),
    ]
    return Sentence(logging.INFO, "reception", "accepted", pairs)


def _trace(context: TraceContext | None) -> Pairs:
    return [] if context is None else [("trace_id", context.trace_id)]


def _refused(fact: facts.MessageRefused) -> Sentence:
    pairs: Pairs = [("session", str(fact.session)), ("client", fact.client_ip or "-"), ("command", fact.verb.value)]
    if fact.reverse_path is not None:
        pairs.append(("from", str(fact.reverse_path)))
    if fact.recipient is not None:
        pairs.append(("to", str(fact.recipient)))
    return Sentence(logging.INFO, "reception", "refused", pairs + _reply(fact.reply))


def _opened(fact: facts.SessionOpened) -> Sentence:
    pairs: Pairs = [("session", str(fact.session)), ("client", fact.client_ip or "-"), ("listener", fact.listener)]
    return Sentence(logging.DEBUG, "reception", "opened", pairs)


def _closed(fact: facts.SessionClosed) -> Sentence:
    pairs: Pairs = [
        ("session", str(fact.session)),
        ("client", fact.client_ip or "-"),
        ("messages", fact.messages),
        ("took", _seconds(fact.duration_s)),
        ("why", fact.reason[:MOST_OF_A_TEXT]),
    ]
    return Sentence(logging.DEBUG, "reception", "closed", pairs)


def _login(fact: facts.LoginAccepted | facts.LoginRefused) -> Sentence:
    refused = isinstance(fact, facts.LoginRefused)
    pairs: Pairs = [("session", str(fact.session)), ("client", fact.client_ip or "-"), ("mechanism", fact.mechanism)]
    if isinstance(fact, facts.LoginRefused):
        pairs.append(("why", fact.reason))
    # What a stranger wrote comes last, so that programs which look for addresses here are not misled by it.
    pairs.append(("login", fact.login[:MOST_OF_A_TEXT]))
    return Sentence(logging.INFO, "reception", "login_refused" if refused else "login_accepted", pairs)


def _introduced(fact: facts.ClientIntroduced) -> Sentence:
    pairs: Pairs = [("session", str(fact.session)), ("client", fact.client_ip or "-"), ("login", fact.login or "-")]
    return Sentence(logging.INFO, "reception", "introduced", pairs)


def _attempted(fact: facts.DeliveryAttempted) -> Sentence:
    outcome, reply, text = fact.outcome, None, ""
    pairs: Pairs = [("mid", str(fact.delivery.message)), ("to", str(fact.recipient)), ("lane", fact.site)]
    if isinstance(outcome, Delivered):
        event, host, reply = "delivered", outcome.host, outcome.reply
    else:
        diagnosis = outcome.diagnosis
        event = "bounced" if isinstance(outcome, Bounced) else "uncertain" if diagnosis.uncertain else "deferred"
        host, reply, text = diagnosis.host or "", diagnosis.reply, f"{diagnosis.phase.value}: {diagnosis.text}"
    if host or fact.address:
        pairs.append(("mx", _place(host, fact.address) if fact.address else host))
    pairs.append(("attempt", fact.attempt))
    if fact.tls_version:
        pairs.append(("tls", fact.tls_version))
    if fact.failure_class is not None:
        pairs.append(("class", fact.failure_class.value))
    if fact.next_attempt is not None:
        pairs.append(("next", _moment(fact.next_attempt)))
    # How long it waited, how long the way took (DNS, connection, TLS), and how long all the rest.
    way_s = sum([took_s for _, took_s in fact.way])
    pairs += _trace(fact.trace_context)
    pairs.append(("t", f"{fact.waited_s:.2f}/{way_s:.2f}/{max(fact.took_s - way_s, 0):.2f}"))
    pairs += [("why", text[:MOST_OF_A_TEXT])] if reply is None else _reply(reply)
    said = None if event == "delivered" else (event, fact.site, reply.text if reply else text)
    return Sentence(logging.INFO, "delivery", event, pairs, said)


def _ended(fact: facts.DeliveryEnded) -> Sentence | None:
    if fact.status is Status.COMPLETED:
        return None  # "delivered" has said so
    pairs: Pairs = [("mid", str(fact.delivery.message)), ("recipient", fact.delivery.ordinal)]
    if fact.report is not None:
        pairs.append(("report", str(fact.report)))
    return Sentence(logging.INFO, "delivery", fact.status.value, pairs)


def _reported(fact: facts.ReportMade) -> Sentence:
    told = ",".join(f"{delivery.ordinal}:{action.value}" for delivery, action in fact.about[:_MOST_NAMED])
    about = str(fact.about[0][0].message) if fact.about else "-"
    pairs: Pairs = [("mid", str(fact.report)), ("to", str(fact.sender)), ("about", about)]
    pairs.append(("told", told + (",..." if len(fact.about) > _MOST_NAMED else "")))
    return Sentence(logging.INFO, "reports", "made", pairs)


def _breaker(fact: facts.BreakerMoved) -> Sentence:
    pairs: Pairs = [("lane", fact.site), ("before", fact.before), ("after", fact.after)]
    if fact.until is not None:
        pairs.append(("until", _moment(fact.until)))
    return Sentence(logging.INFO, "lanes", "breaker", pairs)


def _steered(fact: facts.LaneSteered) -> Sentence:
    pairs: Pairs = [("lane", fact.site), ("action", fact.action), ("cause", fact.cause[:MOST_OF_A_TEXT])]
    return Sentence(logging.INFO, "lanes", "steered", pairs)


def _rule_set(fact: RuleSet) -> Sentence:
    pairs: Pairs = [("rule", fact.rule), ("kind", fact.kind), ("scope", fact.scope), ("by", fact.by), ("why", fact.why)]
    if fact.until is not None:
        pairs.insert(3, ("until", _moment(fact.until)))
    return Sentence(logging.INFO, "lanes", "rule_set", pairs)


def _rule_ended(fact: RuleEnded) -> Sentence:
    pairs: Pairs = [("rule", fact.rule), ("kind", fact.kind), ("scope", fact.scope), ("by", fact.by or "time")]
    pairs += [("why", fact.why)] if fact.why else []
    return Sentence(logging.INFO, "lanes", "rule_ended", pairs)


def _acted(fact: OperatorActed) -> Sentence | None:
    if fact.deliveries and fact.job is not None:
        return None  # a portion of a job, whose end is told
    pairs: Pairs = [("verb", fact.verb), ("selector", fact.selector), ("by", fact.by)]
    pairs += [("done", fact.count), ("skipped", fact.skipped), ("why", fact.why)]
    if fact.job is not None:
        pairs.append(("job", fact.job))
    return Sentence(logging.INFO, "operators", "acted", pairs)


def _logged_in(fact: OperatorLogin) -> Sentence:
    pairs: Pairs = [("by", fact.by or "-"), ("client", fact.peer)]
    return Sentence(logging.INFO, "operators", "login" if fact.accepted else "login_refused", pairs)


def _reloaded(fact: ConfigReloaded) -> Sentence:
    pairs: Pairs = [("by", fact.by)]
    if fact.problem is not None:
        return Sentence(logging.ERROR, "operators", "reload_failed", [*pairs, ("why", fact.problem[:MOST_OF_A_TEXT])])
    pairs += [("applied", len(fact.applied)), ("needs_restart", ",".join(fact.needs_restart)[:MOST_OF_A_TEXT] or "-")]
    return Sentence(logging.INFO, "operators", "reloaded", pairs)


def _reply(reply: Reply) -> Pairs:
    pairs: Pairs = [("code", reply.code)]
    if reply.enhanced is not None:
        pairs.append(("enh", str(reply.enhanced)))
    pairs.append(("reply", reply.text[:MOST_OF_A_TEXT]))
    return pairs


def _place(host: str, address: str) -> str:
    """``mx.example.org[192.0.2.7]:25``, as mail programs have written it for decades."""
    ip, _, port = address.rpartition(":")
    return f"{host}[{ip.strip('[]')}]:{port}"


def _seconds(span_s: float) -> str:
    return f"{span_s:.3f}"


def _moment(moment: float) -> str:
    """A moment of the wall clock, to the second: planned moments are not known better."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_SENTENCES: Final[Mapping[type, Callable[[Any], Sentence | None]]] = {
    facts.SessionOpened: _opened,
    facts.SessionClosed: _closed,
    facts.LoginAccepted: _login,
    facts.LoginRefused: _login,
    facts.ClientIntroduced: _introduced,
    facts.MessageAccepted: _accepted,
    facts.MessageRefused: _refused,
    facts.DeliveryAttempted: _attempted,
    facts.DeliveryEnded: _ended,
    facts.ReportMade: _reported,
    facts.BreakerMoved: _breaker,
    facts.LaneSteered: _steered,
    RuleSet: _rule_set,
    RuleEnded: _rule_ended,
    OperatorActed: _acted,
    OperatorLogin: _logged_in,
    ConfigReloaded: _reloaded,
}
