"""The OpenAPI 3.1 document, made from the routes.

Schemas are those of the types, as msgspec writes them (JSON Schema 2020-12, which OpenAPI 3.1 takes as it is).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from empath.ops.api.reading import JSON, Nothing
from empath.ops.api.route import Route
from empath.ops.http import Response

_REFERENCE: Final = "#/components/schemas/{name}"
_PROBLEM: Final = "Problem"


class Trouble(msgspec.Struct, frozen=True, rename={"remedy": "try", "kind": "type"}):
    """An error, as RFC 9457 has it, with our fields for why and what to try."""

    kind: str
    title: str
    status: int
    code: str
    why: str
    remedy: str


def document(routes: Iterable[Route], *, prefix: str, version: str) -> bytes:
    """Return the document as JSON."""
    routes = tuple(routes)
    types = [kind for route in routes for kind in (route.query, route.content, route.answer) if _has_schema(kind)]
    _, schemas = msgspec.json.schema_components([*types, Trouble], ref_template=_REFERENCE)
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.pattern, {})[route.method.lower()] = dict(_operation(route, schemas))
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Empath",
                "version": version,
                "description": "See and steer a running daemon.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": prefix}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "responses": {
                    _PROBLEM: {
                        "description": "It was not done: what, why, and what to try.",
                        "content": {"application/problem+json": {"schema": _reference(Trouble)}},
                    }
                },
            },
        }
    )


def _has_schema(kind: type) -> bool:
    return kind not in (Nothing, Response)


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def _operation(route: Route, schemas: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, object]]:
    words = [word.strip("{}") for word in route.pattern.strip("/").replace(".", "_").split("/")]
    yield "operationId", "_".join([route.method.lower(), *words])
    yield "tags", [words[0]]
    yield "summary", route.summary
    if route.description:
        yield "description", route.description
    yield "security", [{"token": []}] if route.scope is not None else []
    if route.scope is not None:
        yield "x-scope", route.scope.value
    if parameters := [*_in_path(route), *_in_query(route, schemas)]:
        yield "parameters", parameters
    if route.content is not Nothing:
        content: dict[str, object] = {JSON: {"schema": _reference(route.content)}}
        if route.raw:
            content[route.raw] = {"schema": {"type": "string"}}
        yield "requestBody", {"content": content, "required": True}
    answer: dict[str, object] = {JSON: {"schema": _reference(route.answer)}}
    if route.answer is Response:
        answer = {"*/*": {}}
    yield (
        "responses",
        {
            str(route.status): {"description": "Done.", "content": answer},
            "default": {"$ref": f"#/components/responses/{_PROBLEM}"},
        },
    )


def _in_path(route: Route) -> Iterator[dict[str, object]]:
    for name in route.names:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(route: Route, schemas: Mapping[str, Mapping[str, object]]) -> Iterator[dict[str, object]]:
    if route.query is Nothing:
        return
    properties = schemas[route.query.__name__]["properties"]
    if not isinstance(properties, dict):
        return
    for one in msgspec.structs.fields(route.query):
        yield {
            "name": one.encode_name,
            "in": "query",
            "required": one.required,
            "schema": properties[one.encode_name],
        }
