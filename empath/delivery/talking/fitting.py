"""Making a message fit for a host that lacks an extension, or saying that it cannot be done, before any of it is sent.

A host without 8BITMIME gets ASCII: what can be encoded is encoded on its way (`empath.mail.downgrade`). A host without
SMTPUTF8 gets what does not need it: addresses whose local parts are ASCII, since a domain can be written as A-labels,
and content whose header sections are ASCII. That a client has said SMTPUTF8 says that it may be needed, and not that it
is (RFC 6531 3.6). An address that needs it is refused by itself, and costs the other recipients nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from attrs import evolve

from empath.delivery.talking.hop import Hop
from empath.delivery.talking.shipment import Content, Shipment
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.downgrade import Encoder, Findings, Survey
from empath.mail.envelope import Envelope
from empath.mail.failure import Failure, failure_of
from empath.smtp import Address, Extensions


def fits(shipment: Shipment, offered: Extensions) -> bool:
    """Whether the host can take the shipment as it is, as nearly every host can."""
    if "8BITMIME" not in offered or (shipment.envelope.params.smtputf8 and "SMTPUTF8" not in offered):
        return False
    return "LIMITS" not in offered


async def fitted(shipment: Shipment, hop: Hop) -> Shipment:
    """The shipment as the host can take it, with fewer recipients if some cannot be written there.

    Raises Failure: 5.6.7 if it needs SMTPUTF8, 5.6.3 if it is not ASCII and cannot be made so.
    """
    offered, host = hop.client.facts.in_force, hop.target.host
    utf8 = shipment.envelope.params.smtputf8 and "SMTPUTF8" not in offered
    ascii_only = "8BITMIME" not in offered
    if utf8:
        shipment = _in_ascii(shipment, host)
    if not (utf8 or ascii_only) or await _is_ascii(shipment.content):
        return shipment
    findings = await _survey(shipment.content)
    if utf8 and findings.in_headers:
        raise needs_smtputf8(host, "a header field is not ASCII")
    if not ascii_only:
        return shipment
    if findings.obstacle:
        text = f"the host takes ASCII only, and the message cannot be made so: {findings.obstacle}"
        raise failure_of(Diagnosis(kind=Kind.NEEDS_8BITMIME, phase=Phase.MAIL, host=host, text=text))
    return _encoded(shipment, findings)


def needs_smtputf8(host: str, what: str) -> Failure:
    """The failure of what can only be said with SMTPUTF8 (RFC 6531 3.6)."""
    text = f"{what}, and the host does not offer SMTPUTF8"
    return failure_of(Diagnosis(kind=Kind.NEEDS_SMTPUTF8, phase=Phase.MAIL, host=host, text=text))


def _in_ascii(shipment: Shipment, host: str) -> Shipment:
    """The envelope without SMTPUTF8. Raises Failure if the sender, or every recipient, needs it."""
    envelope = shipment.envelope
    if _needs_utf8(envelope.reverse_path):
        raise needs_smtputf8(host, "the address of the sender is not ASCII")
    recipients = envelope.recipients
    ordinals = tuple([one for one in shipment.ordinals if not _needs_utf8(recipients[one].address)])
    if not ordinals:
        raise needs_smtputf8(host, "the address is not ASCII")
    return evolve(shipment, envelope=_without_smtputf8(envelope), ordinals=ordinals)


def _without_smtputf8(envelope: Envelope) -> Envelope:
    return evolve(envelope, params=evolve(envelope.params, smtputf8=False))


def _needs_utf8(address: Address | None) -> bool:
    return address is not None and address.needs_utf8


async def _is_ascii(content: Content) -> bool:
    if isinstance(content, bytes):
        return content.isascii()
    async with aclosing(content()) as blocks:
        async for block in blocks:
            if not block.isascii():
                return False
    return True


async def _survey(content: Content) -> Findings:
    survey = Survey()
    if isinstance(content, bytes):
        survey.feed(content)
        return survey.end()
    async with aclosing(content()) as blocks:
        async for block in blocks:
            survey.feed(block)
    return survey.end()


def _encoded(shipment: Shipment, findings: Findings) -> Shipment:
    content, encoder = shipment.content, Encoder(findings)
    params = evolve(shipment.envelope.params, body=None)
    plain = evolve(shipment, envelope=evolve(shipment.envelope, params=params), size_bytes=None)
    if isinstance(content, bytes):
        octets = encoder.feed(content) + encoder.end()
        return evolve(plain, content=octets, size_bytes=len(octets))

    # Closed where it is read to its end or left.
    async def converted() -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        async with aclosing(content()) as blocks:
            async for block in blocks:
                if octets := encoder.feed(block):
                    yield octets  # noqa: ASYNC119
        if octets := encoder.end():
            yield octets

    return evolve(plain, content=converted)
