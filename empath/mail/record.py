"""Envelopes as the bytes that the spool keeps; `empath.mail.sealing` says what a record is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.failure import DamagedRecord
from empath.mail.priority import Priority
from empath.mail.sealing import seal, unseal
from empath.mail.trace_context import TraceContext
from empath.smtp import (
    Address,
    AddressError,
    Body,
    ByMode,
    DeliverBy,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
    Return,
)
from empath.smtp.params import NO_MAIL_PARAMS, NO_RCPT_PARAMS

_LARGEST: Final = (1 << 63) - 1


class _MailParams(msgspec.Struct, array_like=True, frozen=True, gc=False):
    size: int | None
    body: Body | None
    smtputf8: bool
    auth: str | None
    ret: Return | None
    envid: str | None
    requiretls: bool
    mt_priority: int | None
    hold_for_s: int | None
    hold_until: datetime | None
    by: tuple[int, ByMode, bool] | None


class _Recipient(msgspec.Struct, array_like=True, frozen=True, gc=False):
    address: bytes
    notify: int | None = None
    orcpt: tuple[str, str] | None = None


class _Origin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    client_ip: str | None
    hello: str
    protocol: str
    listener: str
    tls_version: str | None
    tls_cipher: str | None
    user: str | None


class _Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    received: float
    reverse_path: bytes | None
    recipients: tuple[_Recipient, ...]
    origin: _Origin | None
    params: _MailParams | None
    tls_optional: bool = False
    priority: Priority | None = None
    trace_context: str | None = None


_ENVELOPES: Final = msgspec.msgpack.Decoder(_Envelope)


def encode_envelope(envelope: Envelope) -> bytes:
    """The envelope as a record."""
    sender = envelope.reverse_path
    return seal(
        _Envelope(
            envelope.received,
            None if sender is None else sender.wire,
            tuple([_pack_recipient(recipient) for recipient in envelope.recipients]),
            _pack_origin(envelope.origin) if envelope.origin else None,
            None if envelope.params == NO_MAIL_PARAMS else _pack_params(envelope.params),
            envelope.tls_optional,
            envelope.priority,
            None if envelope.trace_context is None else str(envelope.trace_context),
        )
    )


def decode_envelope(record: bytes) -> Envelope:
    """The envelope that ``encode_envelope`` was given. Anything else is a `DamagedRecord`."""
    packed = unseal(record, _ENVELOPES)
    origin = packed.origin
    try:
        return Envelope(
            reverse_path=None if packed.reverse_path is None else _address(packed.reverse_path),
            recipients=tuple([_unpack_recipient(recipient) for recipient in packed.recipients]),
            received=packed.received,
            params=NO_MAIL_PARAMS if packed.params is None else _unpack_params(packed.params),
            origin=None if origin is None else Origin(**msgspec.structs.asdict(origin)),
            tls_optional=packed.tls_optional,
            priority=packed.priority,
            trace_context=None if packed.trace_context is None else TraceContext.decode(packed.trace_context),
        )
    except (AddressError, ValueError) as problem:
        raise DamagedRecord(f"the record holds no envelope: {problem}") from None


def _address(octets: bytes) -> Address:
    # The bare postmaster is the one mailbox without a domain (RFC 5321 4.1.1.3).
    return Address(octets, None) if octets.lower() == b"postmaster" else Address.parse(octets)


def _pack_recipient(recipient: Recipient) -> _Recipient:
    params = recipient.params
    if params is NO_RCPT_PARAMS:
        return _Recipient(recipient.address.wire)
    notify, orcpt = params.notify, params.orcpt
    return _Recipient(
        recipient.address.wire,
        None if notify is None else notify.value,
        None if orcpt is None else (orcpt.kind, orcpt.address),
    )


def _unpack_recipient(packed: _Recipient) -> Recipient:
    address = _address(packed.address)
    if packed.notify is None and packed.orcpt is None:
        return Recipient(address)
    notify = None if packed.notify is None else Notify(packed.notify)
    orcpt = None if packed.orcpt is None else OriginalRecipient(*packed.orcpt)
    return Recipient(address, RcptParams(notify=notify, orcpt=orcpt))


def _pack_origin(origin: Origin) -> _Origin:
    return _Origin(
        origin.client_ip,
        origin.hello,
        origin.protocol,
        origin.listener,
        origin.tls_version,
        origin.tls_cipher,
        origin.user,
    )


def _pack_params(params: MailParams) -> _MailParams:
    by = params.by
    return _MailParams(
        # SIZE has up to 20 digits (RFC 1870 6), a number in MessagePack up to 64 bits; no message is that large.
        None if params.size is None else min(params.size, _LARGEST),
        params.body,
        params.smtputf8,
        params.auth,
        params.ret,
        params.envid,
        params.requiretls,
        params.mt_priority,
        params.hold_for_s,
        params.hold_until,
        None if by is None else (by.seconds, by.mode, by.trace),
    )


def _unpack_params(packed: _MailParams) -> MailParams:
    return MailParams(
        size=packed.size,
        body=packed.body,
        smtputf8=packed.smtputf8,
        auth=packed.auth,
        ret=packed.ret,
        envid=packed.envid,
        requiretls=packed.requiretls,
        mt_priority=packed.mt_priority,
        hold_for_s=packed.hold_for_s,
        hold_until=packed.hold_until,
        by=None if packed.by is None else DeliverBy(*packed.by),
    )
