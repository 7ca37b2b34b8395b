"""The files of the dashboard: what is answered, under which policy, and what may not be in them."""

import gzip
import re
from pathlib import Path

import pytest
import trio

from empath.ops.dashboard import POLICY, pages
from empath.ops.dashboard.pages import FILES, PLACES, RUNBOOKS
from empath.ops.http import Request, Response
from empath.ops.views import glance
from empath.world import TcpEndpoint

MAX_BYTES = 60_000
OURS = [name for name in FILES if not name.startswith("uplot/") and name != RUNBOOKS]


def ask(path: str, *, method: str = "GET", **fields: str) -> Response:
    """The answer to a request."""
    found, places = pages()
    handler = found.get(path) or next(handler for prefix, handler in places.items() if path.startswith(prefix))
    request = Request(
        method=method,
        path=path,
        host="localhost",
        peer=TcpEndpoint("127.0.0.1", 50_000),
        fields={name.replace("_", "-"): value for name, value in fields.items()},
    )
    return trio.run(handler, request)


def text_of(name: str) -> str:
    """One of the files."""
    return ask("/" if name == "index.html" else f"/dashboard/{name}").body.decode()


def test_every_file_has_the_policy_and_is_what_it_says() -> None:
    for path in pages()[0]:
        answer = ask(path)
        assert answer.fields["Content-Security-Policy"] == POLICY
        assert answer.fields["X-Frame-Options"] == "DENY"
        assert answer.fields["Cache-Control"] == "no-cache"
        assert answer.status == 200
    assert ask("/dashboard/app.js").content_type == "text/javascript; charset=utf-8"
    assert ask("/").content_type == "text/html; charset=utf-8"


def test_the_policy_lets_nothing_in_but_these_files() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "connect-src", "img-src", "frame-src")} == {"'self'"}
    assert "unsafe" not in POLICY


@pytest.mark.parametrize("path", [f"{prefix}x" for prefix in PLACES])
def test_the_page_is_found_at_every_address_it_has(path: str) -> None:
    assert ask(path).body == ask("/").body


def test_what_a_browser_has_already_is_not_sent_again() -> None:
    first = ask("/dashboard/app.js")
    again = ask("/dashboard/app.js", if_none_match=f'W/"other", {first.fields["ETag"]}')
    assert (first.status, again.status, again.fields["ETag"]) == (200, 304, first.fields["ETag"])
    assert ask("/dashboard/app.js", if_none_match='"other"').status == 200


def test_it_is_packed_for_those_who_can_unpack() -> None:
    plain, packed = ask("/dashboard/app.js"), ask("/dashboard/app.js", accept_encoding="br, gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert packed.fields["Content-Encoding"] == "gzip"
    assert packed.fields["ETag"] != plain.fields["ETag"]


def test_nothing_can_be_changed_here() -> None:
    answer = ask("/m/6911c5b5-2a", method="POST")
    assert (answer.status, answer.fields["Allow"]) == (405, "GET, HEAD")


def test_it_is_small() -> None:
    sent = sum(
        len(ask("/" if name == "index.html" else f"/dashboard/{name}", accept_encoding="gzip").body) for name in OURS
    )
    assert sent < MAX_BYTES


@pytest.mark.parametrize("name", OURS)
def test_no_file_makes_html_of_text_or_says_style_and_code_in_line(name: str) -> None:
    text = text_of(name)
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        ".style.",
    ):
        assert forbidden not in text
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", text)
    assert not re.search(r"""(?:src|href|from|import\()\s*=?\s*["']?(?:https?:)?//""", text)


def test_every_module_that_is_imported_is_served() -> None:
    imported = {
        found for name in OURS if name.endswith(".js") for found in re.findall(r'from "\./([^"]+)"', text_of(name))
    }
    assert imported <= set(FILES)
    loaded = set(re.findall(r'(?:src|href)="/dashboard/([^"]+)"', text_of("index.html")))
    assert loaded <= set(FILES)
    assert imported | loaded | {"index.html", "uplot/LICENSE", RUNBOOKS} == set(FILES)


def test_every_runbook_that_an_operator_is_sent_to_is_there() -> None:
    named = set(re.findall(r'"(Empath[A-Z]\w+)"', Path(glance.__file__).read_text()))
    titles = set(re.findall(r"^(Empath\w+)\n-+$", text_of(RUNBOOKS), re.MULTILINE))
    assert len(named) > 5
    assert named <= titles
