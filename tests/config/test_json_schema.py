"""What editors are told of the configuration is what the daemon reads."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from empath.config.json_schema import json_schema
from tests.config.keys import every_key

VALIDATOR = OAS31Validator(json_schema())  # whose dialect is JSON Schema 2020-12
FILES = sorted((Path(__file__).parents[2] / "conf").glob("*.toml"))


def test_it_is_a_json_schema() -> None:
    OAS31Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_files_that_are_shipped_fit(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(path.read_text()))] == []


@pytest.mark.parametrize("pattern", every_key())
def test_every_key_is_in_it_with_its_meaning(pattern: str) -> None:
    here: Any = json_schema()
    for step in pattern.replace("[]", ".[]").split("."):
        match step:
            case "[]":
                here = here["items"]
            case "*":
                here = here["additionalProperties"]
            case _:
                here = here["properties"][step]
    assert every_key()[pattern].meaning in here["description"]


@pytest.mark.parametrize("text", ["hostnam = 'x'", "[smtp.limits]\nmax_recipients = 0", "[spool]\npath = 7"])
def test_what_cannot_be_does_not_fit(text: str) -> None:
    assert list(VALIDATOR.iter_errors(tomllib.loads(text)))
