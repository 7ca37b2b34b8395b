"""Nothing is answered to somebody whom nobody knows, and to nobody more than his token says."""

import logging

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import ApiSettings, Period, Rate
from empath.ops.api.access import is_admitted
from empath.world.endpoint import PeerCredentials
from tests.ops.api.stage import TOKENS, US, Desk, code_of, content_of

READER, OPERATOR, BOSS = (token for _, token in TOKENS.values())
PUT = b'{"to": "x"}'


async def test_without_a_token_nobody_is_answered() -> None:
    desk = Desk()
    await desk.write_tokens()
    response = await desk.ask("GET", "/echo/a")
    assert (response.status, code_of(response)) == (401, "API001")
    assert response.fields["WWW-Authenticate"].startswith("Bearer")


async def test_what_needs_no_scope_is_answered_to_everybody() -> None:
    desk = Desk()
    assert (await desk.ask("GET", "/public")).status == 200
    assert (await desk.ask("GET", "/openapi.json")).status == 200


@pytest.mark.parametrize("shown", ["Bearer empath_nobody", "Bearer", "Basic YTpi", "empath_reader", "Bearer é"])
async def test_what_is_no_known_token_lets_nobody_in(shown: str) -> None:
    desk = Desk()
    await desk.write_tokens()
    assert (await desk.ask("GET", "/echo/a", authorization=shown)).status == 401
    assert (await desk.ask("GET", "/public", authorization=shown)).status == 401


async def test_a_token_may_do_what_its_scopes_say_and_no_more() -> None:
    desk = Desk()
    await desk.write_tokens()
    assert content_of(await desk.ask("GET", "/echo/a", token=READER))["who"] == "reader"
    refused = await desk.ask("PUT", "/things", token=READER, content=PUT)
    assert (refused.status, code_of(refused)) == (403, "API002")
    assert "operate" in str(content_of(refused)["why"])
    assert (await desk.ask("PUT", "/things", token=OPERATOR, content=PUT)).status == 200


async def test_admin_includes_all() -> None:
    desk = Desk()
    await desk.write_tokens()
    assert (await desk.ask("GET", "/echo/a", token=BOSS)).status == 200
    assert (await desk.ask("PUT", "/things", token=BOSS, content=PUT)).status == 200


async def test_without_a_file_no_token_is_known_and_the_answer_says_so() -> None:
    response = await Desk(has_tokens=False).ask("GET", "/echo/a", token=READER)
    assert response.status == 401
    assert "api.tokens_file" in str(content_of(response)["why"])


async def test_a_token_that_was_taken_out_is_refused_soon(autojump_clock: MockClock) -> None:
    desk = Desk()
    await desk.write_tokens()
    assert (await desk.ask("GET", "/echo/a", token=READER)).status == 200
    await desk.write_tokens("")
    await trio.sleep(5)
    assert (await desk.ask("GET", "/echo/a", token=READER)).status == 401


@pytest.mark.parametrize("text", ["reader read sha256:12\n", "reader fly sha256:" + 64 * "0", "a\x00b", "one two\n"])
async def test_a_file_that_cannot_be_understood_lets_nobody_in(text: str, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    await desk.write_tokens(text)
    with caplog.at_level(logging.ERROR):
        assert (await desk.ask("GET", "/echo/a", token=READER)).status == 401
    assert "cannot be used, and nobody is let in: line 1" in caplog.text


@pytest.mark.parametrize(
    ("user", "groups", "admitted"),
    [
        (0, frozenset({0}), True),
        (US[0], frozenset({US[1]}), True),
        (1000, frozenset({1000, US[1]}), True),
        (1000, frozenset({1000}), False),
        (65_534, frozenset({65_534}), False),
    ],
)
async def test_the_control_socket_answers_root_our_user_and_our_group(
    user: int, groups: frozenset[int], admitted: bool
) -> None:
    assert is_admitted(PeerCredentials(pid=1, user=user, groups=groups), user=US[0], group=US[1]) is admitted
    response = await Desk(has_tokens=False).ask("PUT", "/things", user=user, groups=groups, content=PUT)
    assert response.status == (200 if admitted else 403)
    if not admitted:
        assert code_of(response) == "API012"


async def test_a_user_of_the_control_socket_has_his_name_in_the_audit_log() -> None:
    assert content_of(await Desk().ask("GET", "/echo/a", user=0))["who"] == "unix:root"


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1", 200), ("MX.example.org", 200), ("evil.example", 421), ("panel.example", 200)],
)
async def test_only_names_of_this_machine_are_answered_to(host: str, status: int) -> None:
    desk = Desk(ApiSettings(allowed_origins=("https://panel.example",)))
    await desk.write_tokens()
    assert (await desk.ask("GET", "/echo/a", token=READER, host=host.lower())).status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8080", 200),
        ("https://panel.example", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example:8080", 403),
        ("null", 403),
    ],
)
async def test_a_page_of_another_site_may_change_nothing(origin: str, status: int) -> None:
    desk = Desk(ApiSettings(allowed_origins=("https://panel.example",)))
    await desk.write_tokens()
    response = await desk.ask("PUT", "/things", token=OPERATOR, host="localhost:8080", origin=origin, content=PUT)
    assert response.status == status
    assert (await desk.ask("GET", "/echo/a", token=READER, origin=origin)).status == 200


async def test_who_asks_too_often_has_to_wait_and_others_have_not(autojump_clock: MockClock) -> None:
    desk = Desk(ApiSettings(rate_limit=Rate(2, Period.SECOND)))
    await desk.write_tokens()
    assert [(await desk.ask("GET", "/echo/a", token=READER)).status for _ in range(3)] == [200, 200, 429]
    refused = await desk.ask("GET", "/echo/a", token=READER)
    assert (code_of(refused), refused.fields["Retry-After"]) == ("API005", "1")
    assert (await desk.ask("GET", "/echo/a", token=BOSS)).status == 200
    await trio.sleep(1)
    assert (await desk.ask("GET", "/echo/a", token=READER)).status == 200
