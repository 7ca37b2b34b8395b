"""The keys of ``empathctl top``, and what is to be seen."""

import pytest
from rich.console import Console

from empath.cli.ctl.top import _keys
from empath.cli.ctl.top_screen import Screen, Verb, Wish


def lane(name: str, queued: int, **more: object) -> dict[str, object]:
    return {
        "lane": name,
        "state": "ok",
        "queued": queued,
        "more": False,
        "connections": 0,
        "window": 5,
        "rate_per_s": 0.0,
        **more,
    }


@pytest.fixture
def screen() -> Screen:
    rows = [
        lane("yahoo", 9104, state="breaker", limited_by={"reason": "breaker_open"}, oldest_s=7260.0),
        lane("google", 412, rate_per_s=3.3),
        lane("example", 3, last_reply="451 \x1b[31mno"),
    ]
    return Screen(lanes={str(row["lane"]): row for row in rows})


def shown(screen: Screen, height: int = 24) -> str:
    console = Console(width=140, color_system=None)
    with console.capture() as drawn:
        console.print(screen.drawn(height, 140))
    return drawn.get()


def names(screen: Screen) -> list[str]:
    return [row["lane"] for row in screen.rows()]


def type_in(screen: Screen, keys: str) -> Wish | None:
    wish = None
    for key in keys:
        wish = screen.press(key)
    return wish


def test_lanes_are_sorted_by_one_column_after_the_other(screen: Screen) -> None:
    assert names(screen) == ["yahoo", "google", "example"]
    screen.press("s")
    screen.press("s")
    assert names(screen)[0] == "google"
    type_in(screen, "ss")
    assert names(screen) == ["example", "google", "yahoo"]


def test_a_text_filters_and_escape_leaves_it_as_it_is(screen: Screen) -> None:
    type_in(screen, "/goo\r")
    assert names(screen) == ["google"]
    type_in(screen, "/\x7f\x7f\x7f\x1b")
    assert len(names(screen)) == 3


def test_keys_are_about_the_lane_that_was_chosen(screen: Screen) -> None:
    assert screen.press("\r") == Wish(Verb.DETAILS, "yahoo")
    assert type_in(screen, "je") == Wish(Verb.EXPLAIN, "google")
    assert type_in(screen, "jjj\r") == Wish(Verb.DETAILS, "example")
    assert type_in(screen, "kkkS\x7f\x7f30m\r") == Wish(Verb.SUSPEND, "yahoo", "30m")
    assert type_in(screen, "S\x1b") is None
    assert screen.press("q") == Wish(Verb.QUIT)


def test_a_page_is_left_by_any_key(screen: Screen) -> None:
    screen.press("?")
    assert "suspend that lane" in shown(screen)
    assert screen.press("x") is None
    assert "yahoo" in shown(screen)


def test_what_hosts_say_cannot_steer_the_terminal(screen: Screen) -> None:
    seen = shown(screen)
    assert "\x1b[31m" not in seen
    assert ">yahoo" in seen
    assert "breaker_open" in seen
    assert "2h1m" in seen


def test_it_fits_the_window_and_shows_what_was_chosen(screen: Screen) -> None:
    screen.lanes = {f"lane{number:03}": lane(f"lane{number:03}", 1000 - number) for number in range(200)}
    type_in(screen, "j" * 150)
    seen = shown(screen, 24)
    assert ">lane150" in seen
    assert len(seen.splitlines()) <= 24


def test_without_lanes_nothing_is_asked_for() -> None:
    assert type_in(Screen(), "\reSjk") is None
    assert "waiting" in shown(Screen())


def test_arrows_are_keys_too() -> None:
    assert list(_keys("\x1b[Aj\n\x1b[B")) == ["k", "j", "\r", "j"]
