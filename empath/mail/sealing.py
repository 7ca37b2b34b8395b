"""Values as records: how the bytes that the spool keeps are made, and how damage to them is seen.

A record is a schema number (one octet), a checksum (four octets, CRC-32) and the value as MessagePack. Fields stand in
a fixed order without their names. Within a schema fields are only ever added at the end, and with a default, so that
either version of the program reads what the other one wrote; everything else is a new schema number.

The checksum is there because most damage would decode: one changed bit turns a recipient into somebody else. Bytes that
do not check, do not parse, or carry a number from the future are a `DamagedRecord`, and nothing else is.
"""

from __future__ import annotations

import zlib
from typing import Final, TypeVar

import msgspec

from empath.mail.failure import DamagedRecord

SCHEMA: Final = 1
_HEAD_OCTETS: Final = 5
_T = TypeVar("_T")

_ENCODER: Final = msgspec.msgpack.Encoder()


def seal(value: msgspec.Struct) -> bytes:
    """The value as a record."""
    payload = _ENCODER.encode(value)
    return b"%c%b%b" % (SCHEMA, zlib.crc32(payload, SCHEMA).to_bytes(4, "big"), payload)


def unseal(record: bytes, decoder: msgspec.msgpack.Decoder[_T]) -> _T:
    """The value that ``seal`` was given. Anything else is a `DamagedRecord`."""
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
