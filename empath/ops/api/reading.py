"""From a query and from content to the types that a route declares, or to what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from empath.mail.quoting import plain
from empath.ops.api.problems import Code, Problem
from empath.ops.http import ContentTooLarge, Request

T = TypeVar("T", bound=msgspec.Struct)
_MAX_PARAMETERS = 100
JSON = "application/json"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters, or no content."""


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done, for the audit log."""

    reason: str = ""

    @property
    def words(self) -> str:
        """As one line of harmless characters."""
        return plain(self.reason, utf8=True)


def query_reader(wanted: type[T]) -> Callable[[str], T]:
    """Return what reads a query of this type. It raises Problem; a name that nobody knows is an error, not passed over.

    Parameters whose type is a tuple may be given several times, all others once.
    """
    fields = msgspec.structs.fields(wanted)
    kinds = msgspec.inspect.multi_type_info([field.type for field in fields])
    several = {
        field.encode_name
        for field, kind in zip(fields, kinds, strict=True)
        if isinstance(kind, msgspec.inspect.VarTupleType)
    }

    def read(query: str) -> T:
        listed: dict[str, list[str]] = {name: [] for name in several}
        values: dict[str, object] = {**listed}
        for name, value in _pairs(query):
            if name in several:
                listed[name].append(value)
            elif name in values:
                raise _bad_query(f"{name[:40]!r} stands there twice")
            else:
                values[name] = value
        try:
            return msgspec.convert(values, wanted, strict=False)
        except msgspec.ValidationError as error:
            raise _bad_query(str(error)) from None

    return read


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise _bad_query(str(error)) from None


async def read_content(request: Request, wanted: type[T], *, limit_bytes: int) -> T:
    """Return what the content says. Raises Problem."""
    kind = media_type(request.fields)
    if kind not in ("", JSON):
        raise Problem(
            415,
            Code.MEDIA_TYPE,
            f"{kind[:80]} is not understood here",
            why="this takes JSON",
            remedy=f"send it with Content-Type: {JSON}",
        )
    octets = await read_all(request, limit_bytes=limit_bytes)
    try:
        return msgspec.json.decode(octets or b"{}", type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(
            422,
            Code.CONTENT,
            f"the content cannot be used: {error}",
            why="it is not what this request takes, so nothing was done",
            remedy="/api/v1/openapi.json says what it takes",
        ) from None


async def read_all(request: Request, *, limit_bytes: int) -> bytes:
    """Return the content as it is. Raises Problem."""
    try:
        return await request.content.read(limit_bytes)
    except ContentTooLarge:
        raise too_large(limit_bytes) from None


def too_large(limit_bytes: int) -> Problem:
    """Say that there is too much content."""
    return Problem(
        413,
        Code.TOO_LARGE,
        f"the content is larger than {limit_bytes} octets",
        why="what is read here lies in memory",
        remedy="send less; http.max_content and api.max_message_size say how much is taken",
    )


def media_type(fields: Mapping[str, str]) -> str:
    """The type of the content, without its parameters; empty: the client has named none."""
    return fields.get("content-type", "").partition(";")[0].strip().lower()


def _bad_query(what: str) -> Problem:
    return Problem(
        422,
        Code.QUERY,
        f"the query cannot be used: {what}",
        why="a parameter that is passed over would leave you with another answer than you asked for",
        remedy="/api/v1/openapi.json says which there are",
    )
