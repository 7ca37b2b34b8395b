"""The dashboard in a browser, on a running daemon."""

import re
import signal
import socket

import pytest
from selenium.webdriver.common.keys import Keys

from tests.dashboard.browser import DESK, PHONE, Page
from tests.dashboard.conftest import Place
from tests.peers import needs

pytestmark = needs("chromium", "chromedriver")


@pytest.fixture(scope="module")
def page(place: Place, tab: Page) -> Page:
    """A browser in which somebody who may do everything is logged in by the address that the daemon prints."""
    tab.open(place.login())
    tab.wait_text("#link", "live")
    return tab


@pytest.fixture
def overview(place: Place, page: Page) -> Page:
    """The first page."""
    page.open(f"{place.site}/")
    page.wait_text("#link", "live")
    return page


def test_the_login_address_opens_the_page_and_does_not_stay_in_the_address_bar(place: Place, page: Page) -> None:
    assert page.driver.current_url == f"{place.site}/"
    page.wait_text("#badges", "READY")
    assert "SANDBOX" in page.text("#badges")
    page.wait_text('[data-tile="Disk free"]', "B")
    assert page.faults() == []


def test_numbers_move_when_mail_flows(place: Place, overview: Page) -> None:
    before = count_of(overview.wait_text('[data-tile="In"]', "since the start"))
    mid = place.send("ann@example.org")
    overview.wait("one more", lambda: count_of(overview.text('[data-tile="In"]')) == before + 1)
    overview.wait_text(".events", "delivered")
    assert mid in overview.text(".events")
    overview.wait_text("table.lanes tbody", "127.0.0.1")
    overview.wait("the picture of outcomes", lambda: overview.all('canvas[aria-label$="attempts delivered"]'))
    assert overview.faults() == []


def test_lanes_are_filtered(place: Place, overview: Page) -> None:
    place.send("ann@example.org")
    overview.wait_text("table.lanes tbody", "127.0.0.1")
    overview.fill("[data-filter]", "no such lane")
    overview.wait_text("section.wide", "No lane matches the filter.")
    overview.fill("[data-filter]", "127")
    overview.wait_text("table.lanes tbody", "127.0.0.1")


def test_events_are_held_and_filtered(place: Place, overview: Page) -> None:
    overview.click("[data-pause]")
    mid = place.send("ann@example.org")
    overview.wait_text("[data-pause]", "Go on (")
    assert mid not in overview.text(".events")
    overview.click("[data-pause]")
    overview.wait_text(".events", mid)
    overview.fill('[aria-label="Filter events"]', "nobody at all")
    overview.wait("no event", lambda: not overview.all(".events li"))


def test_a_message_is_held_and_released_on_its_page(place: Place, overview: Page) -> None:
    mid = place.send("defer@example.org")
    overview.wait_text(".events", mid)
    overview.click(".events a", mid)
    overview.wait_text("main", "451 4.2.0")
    assert overview.driver.current_url.endswith(f"/m/{mid}")
    overview.click("main button", "Hold")
    overview.fill("dialog input", "let me look")
    assert f"empathctl queue hold {mid} --reason 'let me look'" in overview.text("dialog code")
    overview.wait_text("dialog", "Would be done to 1 delivery")
    overview.click("dialog button", "Hold")
    overview.wait_text("dialog", "Done to 1 delivery, 0 skipped.")
    overview.click("dialog button", "Close")
    overview.wait_text("main", "let me look")
    overview.click("main button", "Release")
    overview.click("dialog button", "Release")
    overview.wait_text("dialog", "Done to 1")
    overview.click("dialog button", "Close")
    overview.wait("retry again", lambda: overview.text("main .tag") in {"retry", "pending"})
    assert overview.faults() == []


def test_the_page_of_a_message_shows_its_source_and_what_happened_to_one_that_is_gone(
    place: Place, overview: Page
) -> None:
    waiting, gone = place.send("defer@example.org", "tea"), place.send("ann@example.org")
    overview.open(f"{place.site}/m/{waiting}")
    overview.click("main [role=tab]", "Header")
    overview.wait_text("main pre", "Subject: tea")
    assert "At noon?" not in overview.text("main pre")
    overview.click("main [role=tab]", "Source")
    overview.wait_text("main pre", "At noon?")
    overview.open(f"{place.site}/m/{gone}")
    overview.wait_text("main .events", "250 2.0.0 captured")
    assert overview.text("main .events").count("captured as") == 1
    assert not overview.all("main [role=tab]")
    assert [fault for fault in overview.faults() if "404" not in fault] == []  # the queue does not know it any more


def test_a_lane_is_opened_suspended_and_resumed(place: Place, overview: Page) -> None:
    place.send("ann@example.org")
    overview.click("table.lanes tbody a")
    overview.wait_text("main", "Decisions and requests")
    overview.click("main button", "Suspend")
    overview.fill("#field-reason", "they asked")
    assert "empathctl suspend --lane 127.0.0.1:" in overview.text("dialog code")
    overview.click("dialog button", "Suspend")
    overview.wait_text("dialog", "holds until")
    overview.click("dialog button", "Close")
    overview.wait_text("#badges", "1 suspension")
    overview.click("nav a", "Overview")
    overview.wait_text(".concerns", "they asked")
    overview.click(".concerns button", "end it")
    overview.click("dialog button", "End sd-")
    overview.wait_text("dialog", "has ended")
    overview.click("dialog button", "Close")
    overview.wait("no badge", lambda: "suspension" not in overview.text("#badges"))
    assert overview.faults() == []


def test_what_waits_for_a_restart_and_what_could_not_be_read_is_said_at_the_top(place: Place, overview: Page) -> None:
    config = place.home / "empath.toml"
    plain = config.read_text()
    config.write_text(f'{plain}hostname = "new.example"\nmetrics.max_domains = 7\n')
    place.daemon.signal(signal.SIGHUP)
    overview.wait_text("#badges", "restart pending")
    (badge,) = (one for one in overview.all("#badges .tag") if one.text == "restart pending")
    assert badge.get_attribute("title") == "Waiting for a restart: hostname, metrics.max_domains"
    overview.wait_text(".concerns", "until then the old values hold: hostname, metrics.max_domains")
    assert "empathctl config diff" in overview.text(".concerns")
    config.write_text(f"{plain}nonsense = 1\n")
    place.daemon.signal(signal.SIGHUP)
    overview.wait_text("#badges", "RELOAD FAILED")
    overview.wait_text(".concerns", "nonsense")
    overview.click(".concerns a", "runbook")
    overview.wait_text("h1", "EmpathConfigReloadFailed")
    overview.wait_text("main", "Look.")
    config.write_text(plain)
    place.daemon.signal(signal.SIGHUP)
    overview.wait("no badge", lambda: not {"RELOAD", "restart"} & set(overview.text("#badges").split()))
    assert overview.faults() == []


def test_html_of_captured_mail_runs_nothing_and_loads_nothing(place: Place, overview: Page) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tracker:
        look_at_html(place, overview, f"http://127.0.0.1:{tracker.getsockname()[1]}")
        tracker.settimeout(0.3)
        with pytest.raises(TimeoutError):  # not even a connection comes
            tracker.accept()
    overview.click("[role=tab]", "Text")
    overview.wait_text(".content", "At noon?")
    overview.click("[role=tab]", "Header")
    overview.wait_text(".content", "shop@example.com")
    overview.click("[role=tab]", "Source")
    overview.wait_text(".content", "<script>document.body.append(")


def look_at_html(place: Place, overview: Page, tracker: str) -> None:
    """Send HTML that would tell its sender that it is read, and read it."""
    html = f"""<h1>Sale</h1><link rel=stylesheet href="{tracker}/a"><LINK rel=preconnect href="{tracker}">
        <img src="{tracker}/b"><iframe src="{tracker}/c"></iframe><meta http-equiv=refresh content="0;{tracker}/d">
        <style>body {{ background: url({tracker}/e) }}</style><video poster="{tracker}/f"></video>
        <script>document.body.append('ran')</script>"""
    place.send("ann@example.org", "offer", html)
    overview.click("nav a", "Captured mail")
    overview.click("tbody a", "offer")
    frame = overview.wait("a frame", lambda: next(iter(overview.all("iframe")), None))
    assert frame.get_attribute("sandbox") == ""
    overview.driver.switch_to.frame(frame)
    try:
        overview.wait_text("body", "Sale")
        assert "ran" not in overview.text()
    finally:
        overview.driver.switch_to.default_content()


def test_everything_is_reached_by_keys(place: Place, overview: Page) -> None:
    place.send("ann@example.org")
    overview.wait_text("table.lanes tbody", "127.0.0.1")
    overview.type("?")
    overview.wait_text("dialog", "next and previous row")
    overview.type(Keys.ESCAPE)
    overview.wait("no dialog", lambda: not overview.all("dialog"))
    overview.type("j")
    assert overview.focused().startswith("127.0.0.1")
    overview.type("j", "k", Keys.ENTER)
    overview.wait_text("main", "Decisions and requests")
    overview.type(Keys.ESCAPE)
    overview.wait_text("main", "Where time goes")
    overview.type("/", "x")
    assert overview.driver.switch_to.active_element.get_attribute("data-filter") is not None
    overview.type(Keys.ESCAPE, "c")
    overview.wait_text("h1", "Captured mail")
    overview.type("g")
    overview.type("ann@example.org", Keys.ENTER)
    overview.wait_text("main", "Decisions and requests")
    overview.type("t")
    assert overview.text("#theme") == "Dark"
    overview.type("t", "t")


def test_a_lane_is_suspended_and_resumed_without_a_mouse(place: Place, overview: Page) -> None:
    place.send("ann@example.org")
    overview.wait_text("table.lanes tbody", "127.0.0.1")
    overview.type("j", Keys.ENTER)
    overview.wait_text("main", "Decisions and requests")
    for button, said in (("Suspend", "holds until"), ("Resume", "has ended")):
        overview.wait_text("main .buttons", button)
        overview.tab_to(button)
        overview.type(Keys.ENTER)
        overview.wait("the dialog", lambda: overview.all("dialog[open]"))
        overview.type(Keys.ENTER)
        overview.wait_text("dialog", said)
        overview.type(Keys.ENTER)
        overview.wait("no dialog", lambda: not overview.all("dialog"))
    overview.wait("no badge", lambda: "suspension" not in overview.text("#badges"))
    assert overview.faults() == []


def test_without_the_websocket_the_page_asks_again_and_again(place: Place, overview: Page) -> None:
    broken = """window.WebSocket = class extends EventTarget {
        constructor() { super(); setTimeout(() => this.dispatchEvent(new CloseEvent("close", { code: 1006 })), 5); }
        close() {} }"""
    added = overview.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": broken})
    try:
        overview.open(f"{place.site}/")
        overview.wait_text("#link", "asking every 2 s")
        before = count_of(overview.wait_text('[data-tile="In"]', "since the start"))
        mid = place.send("ann@example.org")
        overview.wait("one more", lambda: count_of(overview.text('[data-tile="In"]')) == before + 1)
        overview.wait_text(".events", mid)
    finally:
        overview.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["/", "/captured", "/captured/1", "/m/6911c5b5-2a", "/lane/example.org"])
def test_no_page_is_wider_than_the_screen(place: Place, page: Page, size: tuple[int, int], path: str) -> None:
    page.resize(*size)
    try:
        page.open(f"{place.site}{path}")
        page.wait_text("main", "Overview" if path != "/" else "Where time goes")
        page.wait_text("#badges", "READY")
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
    finally:
        page.resize(*DESK)


def test_who_may_only_look_sees_no_buttons_and_is_told_why_not(place: Place, page: Page) -> None:
    page.open(f"{place.site}/")
    page.click("#who")
    page.wait_text("dialog", "Who are you?")
    page.fill("dialog input", "empath_wrong")
    page.click("dialog button", "Log in")
    page.wait_text("dialog", "no token that is known here")
    page.fill("dialog input", place.reader)
    page.click("dialog button", "Log in")
    page.wait_text("#who", "reader")
    assert "read only" in page.text("#who")
    page.open(f"{place.site}/lane/example.org")
    page.wait_text("main", "Decisions and requests")
    assert [button.text for button in page.all("main button") if button.text not in ("copy", "Pause")] == []
    page.open(f"{place.site}/captured")
    page.wait_text("main", "it needs the scope content")


def test_after_a_restart_the_page_greys_old_figures_says_why_and_comes_back(place: Place, page: Page) -> None:
    page.open(f"{place.site}/")
    page.wait_text("#link", "live")
    page.faults()
    assert place.daemon.stop() == 0
    said = page.wait_text("#banner", "These figures are")
    assert "Not connected" in said
    assert page.all("body.old")
    place.daemon.start()
    page.wait_text("dialog", "Who are you?")
    page.fill("dialog input", place.token)
    page.click("dialog button", "Log in")
    page.wait_text("#link", "live")
    assert not page.all("body.old")
    assert page.faults() == []


def count_of(text: str) -> int:
    """The number before "since the start"."""
    found = re.search(r"([\d\u202f]+) since the start", text)
    return int(found[1].replace("\u202f", "")) if found else 0
