"""Envelopes and diagnoses as the bytes that the spool keeps.

A record is a schema number (one octet), a checksum (four octets, CRC-32) and the value as MessagePack. Fields stand in
a fixed order without their names. Within a schema fields are only ever added at the end, and with a default, so that
either version of the program reads what the other one wrote; everything else is a new schema number.

The checksum is there because most damage would decode: one changed bit turns a recipient into somebody else. Bytes that
do not check, do not parse, or carry a number from the future are a `DamagedRecord`, and nothing else is.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.failure import DamagedRecord
from empath.smtp import (
    Address,
    AddressError,
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
from empath.smtp.params import NO_MAIL_PARAMS, NO_RCPT_PARAMS

SCHEMA: Final = 1
_HEAD_OCTETS: Final = 5
_LARGEST: Final = (1 << 63) - 1
_T = TypeVar("_T")


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


class _Diagnosis(msgspec.Struct, array_like=True, frozen=True, gc=False):
    kind: Kind
    phase: Phase
    status: tuple[int, int, int]
    host: str | None
    text: str
    reply: tuple[int, tuple[str, ...], tuple[int, int, int] | None] | None


_ENCODER: Final = msgspec.msgpack.Encoder()
_ENVELOPES: Final = msgspec.msgpack.Decoder(_Envelope)
_DIAGNOSES: Final = msgspec.msgpack.Decoder(_Diagnosis)


def encode_envelope(envelope: Envelope) -> bytes:
    """The envelope as a record."""
    sender = envelope.reverse_path
    return _seal(
        _Envelope(
            envelope.received,
            None if sender is None else sender.wire,
            tuple([_pack_recipient(recipient) for recipient in envelope.recipients]),
            _pack_origin(envelope.origin) if envelope.origin else None,
            None if envelope.params == NO_MAIL_PARAMS else _pack_params(envelope.params),
        )
    )


def decode_envelope(record: bytes) -> Envelope:
    """The envelope that ``encode_envelope`` was given. Anything else is a `DamagedRecord`."""
    packed = _unseal(record, _ENVELOPES)
    origin = packed.origin
    try:
        return Envelope(
            reverse_path=None if packed.reverse_path is None else _address(packed.reverse_path),
            recipients=tuple([_unpack_recipient(recipient) for recipient in packed.recipients]),
            received=packed.received,
            params=NO_MAIL_PARAMS if packed.params is None else _unpack_params(packed.params),
            origin=None if origin is None else Origin(**msgspec.structs.asdict(origin)),
        )
    except (AddressError, ValueError) as problem:
        raise DamagedRecord(f"the record holds no envelope: {problem}") from None


def encode_diagnosis(diagnosis: Diagnosis) -> bytes:
    """The diagnosis as a record."""
    reply = diagnosis.reply
    return _seal(
        _Diagnosis(
            diagnosis.kind,
            diagnosis.phase,
            diagnosis.status,
            diagnosis.host,
            diagnosis.text,
            None if reply is None else (reply.code, reply.lines, reply.enhanced),
        )
    )


def decode_diagnosis(record: bytes) -> Diagnosis:
    """The diagnosis that ``encode_diagnosis`` was given. Anything else is a `DamagedRecord`."""
    packed = _unseal(record, _DIAGNOSES)
    reply = None
    if packed.reply is not None:
        code, lines, enhanced = packed.reply
        reply = Reply(code, lines, None if enhanced is None else EnhancedCode(*enhanced))
    return Diagnosis(
        kind=packed.kind,
        phase=packed.phase,
        status=EnhancedCode(*packed.status),
        host=packed.host,
        text=packed.text,
        reply=reply,
    )


def _seal(value: msgspec.Struct) -> bytes:
    payload = _ENCODER.encode(value)
    return b"%c%b%b" % (SCHEMA, zlib.crc32(payload, SCHEMA).to_bytes(4, "big"), payload)


def _unseal(record: bytes, decoder: msgspec.msgpack.Decoder[_T]) -> _T:
    if len(record) <= _HEAD_OCTETS:
        raise DamagedRecord(f"{len(record)} octets are no record")
    schema, payload = record[0], record[_HEAD_OCTETS:]
    if zlib.crc32(payload, schema) != int.from_bytes(record[1:_HEAD_OCTETS], "big"):
        raise DamagedRecord("the checksum does not match: the record was changed or cut off")
    if schema != SCHEMA:
        raise DamagedRecord(f"the record has schema {schema}, this version reads {SCHEMA}: it is of another version")
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as problem:
        raise DamagedRecord(f"the record has another shape: {problem}") from None


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
