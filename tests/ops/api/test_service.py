"""A request meets its route, or hears what was wrong with it."""

import pytest

from empath.ops.api import Problem
from empath.ops.api.reading import Nothing, query_reader
from tests.ops.api.stage import Desk, EchoQuery, code_of, content_of


async def test_the_query_is_read_as_the_route_declares_it() -> None:
    answer = content_of(await Desk().ask("GET", "/echo/a%20b%2Fc?limit=7&tags=x&tags=y", user=0))
    assert answer == {"schema": "test.echo/1", "who": "unix:root", "name": "a b/c", "limit": 7, "tags": ["x", "y"]}


async def test_parameters_have_defaults() -> None:
    answer = content_of(await Desk().ask("GET", "/echo/a", user=0))
    assert (answer["limit"], answer["tags"]) == (10, [])


@pytest.mark.parametrize(
    "query", ["limit=x", "limit=1&limit=2", "unknown=1", "limit", "&&", "limit=1.5", "&".join(["tags=x"] * 101)]
)
async def test_a_query_that_means_nothing_is_refused(query: str) -> None:
    response = await Desk().ask("GET", f"/echo/a?{query}", user=0)
    assert (response.status, code_of(response)) == (422, "API008")


def test_a_route_without_parameters_takes_none() -> None:
    assert query_reader(Nothing)("") == Nothing()
    with pytest.raises(Problem):
        query_reader(Nothing)("x=1")
    assert query_reader(EchoQuery)("") == EchoQuery()


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b'{"to": 7}', "application/json", 422, "API009"),
        (b'{"from": "x"}', "application/json", 422, "API009"),
        (b'{"to": "x", "more": 1}', "application/json", 422, "API009"),
        (b"{", "application/json", 422, "API009"),
        (b'"\xff"', "application/json", 422, "API009"),
        (b"", "application/json", 422, "API009"),
        (b"to=x", "application/x-www-form-urlencoded", 415, "API010"),
        (b'{"to": "' + b"x" * 1024 + b'"}', "application/json", 413, "API011"),
    ],
)
async def test_content_that_is_not_what_the_route_takes_is_refused(
    content: bytes, kind: str, status: int, code: str
) -> None:
    response = await Desk().ask("PUT", "/things", user=0, content=content, content_type=kind)
    assert (response.status, code_of(response)) == (status, code)


async def test_the_type_of_json_may_have_parameters_or_be_left_out() -> None:
    desk, content = Desk(), b'{"to": "x"}'
    kind = "application/json; charset=utf-8"
    assert (await desk.ask("PUT", "/things", user=0, content=content)).status == 200
    assert (await desk.ask("PUT", "/things", user=0, content=content, content_type=kind)).status == 200


async def test_a_path_that_is_not_there_and_a_method_that_is_not_known() -> None:
    desk = Desk()
    nowhere = await desk.ask("GET", "/nowhere", user=0)
    assert (nowhere.status, code_of(nowhere)) == (404, "API006")
    wrong = await desk.ask("DELETE", "/things", user=0)
    assert (wrong.status, code_of(wrong), wrong.fields["Allow"]) == (405, "API007", "PUT")


async def test_a_route_may_refuse() -> None:
    response = await Desk().ask("PUT", "/things", user=0, content=b'{"to": "nothing"}')
    assert (response.status, code_of(response)) == (409, "MSG004")


async def test_head_is_answered_like_get() -> None:
    assert (await Desk().ask("HEAD", "/echo/a", user=0)).status == 200
