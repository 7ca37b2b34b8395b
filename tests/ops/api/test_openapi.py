"""The document says what the routes say."""

from typing import Any

from openapi_spec_validator import validate

from tests.ops.api.stage import Desk, content_of


async def document() -> dict[str, Any]:
    return content_of(await Desk().ask("GET", "/openapi.json"))


async def test_it_is_valid_openapi() -> None:
    found = await document()
    assert found["openapi"] == "3.1.0"
    validate(found)


async def test_it_has_every_route_with_its_scope_and_types() -> None:
    found = await document()
    assert set(found["paths"]) == {"/echo/{name}", "/public", "/things", "/openapi.json"}
    echo, things = found["paths"]["/echo/{name}"]["get"], found["paths"]["/things"]["put"]
    assert (echo["summary"], echo["description"]) == ("Say what was asked.", "And nothing else.")
    assert (echo["x-scope"], found["paths"]["/public"]["get"]["security"]) == ("read", [])
    assert [(one["name"], one["in"], one["required"]) for one in echo["parameters"]] == [
        ("name", "path", True),
        ("limit", "query", False),
        ("tags", "query", False),
    ]
    assert things["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Change"}
    assert things["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Changed")
    assert set(things["responses"]) == {"200", "default"}
