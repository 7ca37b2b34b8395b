"""A route: one method on one path, with all that is known of it. Whatever the API does, a route says so.

The types of the query, of the content and of the answer are those of the handler's signature, and the summary is the
first line of its docstring: they are said once, a type checker reads along, and the OpenAPI document cannot drift.

::

    async def lookup(call: Call[LookupQuery, Nothing]) -> Lookup:
        \"""Ask DNS.\"""

    get("/dns/lookup", lookup, Scope.READ)
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar, cast, get_args, get_type_hints
from urllib.parse import unquote

import msgspec
from attrs import field, frozen

from empath.ops.api.passes import Principal
from empath.ops.api.reading import Nothing, media_type, query_reader, read_content
from empath.ops.api.tokens import Scope
from empath.ops.http import Request, Response

Q = TypeVar("Q")
B = TypeVar("B")
A = TypeVar("A")
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


@frozen
class Call(Generic[Q, B]):
    """What a handler gets."""

    who: Principal
    query: Q
    content: B
    names: Mapping[str, str]
    """What stands in the path for each ``{name}`` of the pattern."""
    request: Request


@frozen
class Answer(Generic[A]):
    """For a handler whose answers differ by more than their content."""

    content: A
    status: int = 200
    fields: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Route:
    """See the module."""

    method: str
    pattern: str
    """``/messages/{mid}``, below the prefix of the API."""
    scope: Scope | None
    """What it needs; None: nothing, so anybody may."""
    status: int
    """Of the answer, if all goes well."""
    summary: str
    description: str
    query: type
    content: type
    answer: type
    """`Response`: it is no JSON."""
    raw: str | None
    """The type of content that is not JSON and is taken besides."""
    respond: Callable[[Request, Principal, Mapping[str, str], int], Awaitable[Response]] = field(repr=False)
    """With the request, who asks, the names in the path, and the limit for content. Raises Problem."""
    _shape: re.Pattern[str] = field(init=False)

    @_shape.default
    def _compile(self) -> re.Pattern[str]:
        return re.compile(
            _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(self.pattern).replace(r"\{", "{").replace(r"\}", "}"))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the pattern."""
        return tuple(_PARAMETER.findall(self.pattern))

    def match(self, path: str) -> Mapping[str, str] | None:
        """What stands in a path for the names; None: it is another path."""
        found = self._shape.fullmatch(path)
        return {name: unquote(text) for name, text in found.groupdict().items()} if found else None


Handler = Callable[[Call[Q, B]], Awaitable[A]]


def get(pattern: str, handler: Handler[Q, B, A], scope: Scope | None) -> Route:
    """A route that only looks."""
    return route("GET", pattern, handler, scope)


def route(
    method: str,
    pattern: str,
    handler: Handler[Q, B, A],
    scope: Scope | None,
    *,
    status: int = 200,
    raw: str | None = None,
) -> Route:
    """A route of any kind. With ``raw`` the handler reads content of that type from the request itself."""
    hints = get_type_hints(handler)
    answer = hints.pop("return")
    (call,) = hints.values()
    query, content = get_args(call)
    if get_args(answer):  # `Answer` of something
        (answer,) = get_args(answer)
    read_query = query_reader(query)
    summary, _, description = (inspect.getdoc(handler) or "").partition("\n\n")

    async def respond(request: Request, who: Principal, names: Mapping[str, str], limit_bytes: int) -> Response:
        asked = read_query(request.query)
        if content is Nothing or (raw is not None and media_type(request.fields) == raw):
            # What is not JSON is for the handler to read, which then does not look at ``call.content``.
            said = cast("B", Nothing())
        else:
            said = await read_content(request, content, limit_bytes=limit_bytes)
        return as_response(await handler(Call(who, asked, said, names, request)), status)

    return Route(
        method=method,
        pattern=pattern,
        scope=scope,
        status=status,
        summary=summary,
        description=description,
        query=query,
        content=content,
        answer=answer,
        raw=raw,
        respond=respond,
    )


def as_response(answered: object, status: int) -> Response:
    """What a handler has returned, as an answer."""
    if isinstance(answered, Response):
        return answered
    if isinstance(answered, Answer):
        return Response(status=answered.status, body=msgspec.json.encode(answered.content), fields=answered.fields)
    return Response(status=status, body=msgspec.json.encode(answered))
