"""The spans of a fact, as values that know nothing of OpenTelemetry but its names for attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from attrs import frozen

from empath.mail.diagnosis import Kind
from empath.mail.facts import DeliveryAttempted, MessageAccepted
from empath.mail.ids import MessageId
from empath.mail.outcome import Delivered
from empath.mail.trace_context import TraceContext, span_id
from empath.mail.waiting import WaitReason

Traceable = MessageAccepted | DeliveryAttempted
RECEIVE: Final = "smtp.receive"
ATTEMPT: Final = "delivery.attempt"
TRANSACTION: Final = "transaction"
_STAGES: Final = {"dns": "dns.lookup", "connect": "connect", "tls": "starttls"}
_TLS: Final = frozenset({Kind.TLS_UNAVAILABLE, Kind.TLS_FAILED, Kind.TLS_UNTRUSTED, Kind.NEEDS_TLS})


@frozen(kw_only=True)
class Span:
    """One step. Moments are wall clock, seconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: the trace begins here."""
    begin: float
    end: float
    attributes: Mapping[str, str | int | float | bool]
    error: str = ""
    """Why it did not go well; empty: it did."""
    is_remote_parent: bool = False
    """Whether somebody else has made the parent."""


def spans_of(facts: Iterable[Traceable]) -> Iterator[Span]:
    """The spans of facts that belong to traces, in this order. Recipients of one attempt have one together."""
    for _, same in groupby(facts, key=_occasion):
        first, *others = same
        context = first.trace_context if isinstance(first, DeliveryAttempted) else first.envelope.trace_context
        if context is None:
            continue
        if isinstance(first, MessageAccepted):
            yield _receive(first, context)
        else:
            attempts = [first, *(one for one in others if isinstance(one, DeliveryAttempted))]
            yield from _attempt(attempts, context)


def _occasion(fact: Traceable) -> object:
    if isinstance(fact, MessageAccepted):
        return fact.message
    return fact.delivery.message, fact.at, fact.attempt, fact.took_s


def _receive(fact: MessageAccepted, context: TraceContext) -> Span:
    envelope, mid = fact.envelope, str(fact.message)
    attributes: dict[str, str | int | float | bool] = {
        "messaging.message.id": mid,
        "messaging.message.body.size": fact.size_bytes,
        "empath.recipients": len(envelope.recipients),
        "empath.commit_s": fact.commit_s,
    }
    if envelope.origin is not None:
        attributes["empath.listener"] = envelope.origin.listener
        if envelope.origin.client_ip is not None:
            attributes["network.peer.address"] = envelope.origin.client_ip
    return Span(
        name=RECEIVE,
        trace_id=context.trace_id,
        span_id=span_id(fact.message, RECEIVE),
        parent_id=context.parent_id,
        is_remote_parent=bool(context.parent_id),
        begin=min(envelope.received, fact.at),
        end=fact.at,
        attributes=attributes,
    )


def _attempt(facts: list[DeliveryAttempted], context: TraceContext) -> Iterator[Span]:
    """The attempt, and its stages one behind the other: that of the way first, then all that was left of the time."""
    first = facts[0]
    mid, begin = first.delivery.message, first.at - first.took_s
    failed = next((one for one in facts if not isinstance(one.outcome, Delivered)), None)
    attributes = _attributes(first, failed, len(facts))
    # A recipient that was put off alone has an attempt of the same number: its ordinal tells the two apart.
    own = span_id(mid, f"{ATTEMPT} {first.attempt} {first.delivery.ordinal}")
    error = "" if failed is None or isinstance(failed.outcome, Delivered) else str(failed.outcome.diagnosis.kind.value)
    yield Span(
        name=ATTEMPT,
        trace_id=context.trace_id,
        span_id=own,
        parent_id=span_id(mid, RECEIVE),
        begin=begin,
        end=first.at,
        attributes=attributes,
        error=error,
    )
    yield from _stages(first, context, own, attributes, error)


def _stages(
    fact: DeliveryAttempted,
    context: TraceContext,
    parent_id: str,
    attributes: Mapping[str, str | int | float | bool],
    error: str,
) -> Iterator[Span]:
    moment, mid = fact.at - fact.took_s, fact.delivery.message
    steps = [(_STAGES[stage], took_s) for stage, took_s in fact.way if stage in _STAGES]
    spent_s = sum(took_s for _, took_s in steps)
    if fact.stages:
        steps.append((TRANSACTION, max(0.0, fact.took_s - spent_s)))
    for number, (name, took_s) in enumerate(steps):
        end = fact.at if name == TRANSACTION else min(moment + took_s, fact.at)
        yield Span(
            name=name,
            trace_id=context.trace_id,
            span_id=_below(mid, parent_id, name, number),
            parent_id=parent_id,
            begin=moment,
            end=end,
            attributes=attributes,
            error=error if number == len(steps) - 1 else "",
        )
        moment = end


def _below(mid: MessageId, parent_id: str, name: str, number: int) -> str:
    return span_id(mid, f"{parent_id} {name} {number}")


def _attributes(
    fact: DeliveryAttempted, failed: DeliveryAttempted | None, recipients: int
) -> dict[str, str | int | float | bool]:
    """What is said of an attempt. No recipient is named."""
    attributes: dict[str, str | int | float | bool] = {
        "messaging.message.id": str(fact.delivery.message),
        "empath.lane": fact.site,
        "empath.attempt": fact.attempt,
        "empath.recipients": recipients,
        "empath.waited_s": round(fact.waited_s, 3),
    }
    outcome = fact.outcome
    host = outcome.host if isinstance(outcome, Delivered) else outcome.diagnosis.host
    if host is not None:
        attributes["server.address"] = host
    if fact.address is not None:
        address, _, port = fact.address.rpartition(":")
        attributes["network.peer.address"] = address.strip("[]")
        attributes["server.port"] = int(port) if port.isdigit() else 0
    if fact.tls_version is not None:
        attributes["tls.protocol.version"] = fact.tls_version.removeprefix("TLSv")
    if failed is not None and not isinstance(failed.outcome, Delivered):
        kind = failed.outcome.diagnosis.kind
        attributes["error.type"] = kind.value
        if failed.next_attempt is not None:
            reason = WaitReason.TLS_POLICY if kind in _TLS else WaitReason.RETRY_BACKOFF
            uncertain = failed.outcome.diagnosis.uncertain
            attributes["empath.wait_reason"] = (WaitReason.UNCERTAIN if uncertain else reason).value
    return attributes
