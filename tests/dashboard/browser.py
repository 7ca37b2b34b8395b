"""A browser without a window, and what a person sees in it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from attrs import frozen
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.peers import find

T = TypeVar("T")
WAIT_S: Final = 60.0
DESK: Final = (1280, 900)
PHONE: Final = (390, 844)
# What a browser says of an answer that the page expects: nobody is logged in yet, or the daemon is away.
_EXPECTED: Final = ("401 (Unauthorized)", "net::ERR_CONNECTION_REFUSED", "WebSocket connection to", "net::ERR_")


@frozen
class Page:
    """A tab."""

    driver: webdriver.Chrome

    def open(self, address: str) -> None:
        """Load it, as if typed."""
        self.driver.get("about:blank")
        self.driver.get(address)

    def all(self, selector: str) -> list[WebElement]:
        """All elements there are now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "body") -> str:
        """What can be read in the first of them; nothing, if there is none."""
        try:
            return next((element.text for element in self.all(selector)), "")
        except StaleElementReferenceException:
            return ""

    def wait(self, what: str, test: Callable[[], T | None], wait_s: float = WAIT_S) -> T:
        """Wait until a test says something true, and return that."""
        deadline = time.monotonic() + wait_s
        while True:
            try:
                if found := test():
                    return found
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < deadline, f"{what}: not within {wait_s} s; the page says:\n{self.text()}"
            time.sleep(0.05)

    def wait_text(self, selector: str, text: str, wait_s: float = WAIT_S) -> str:
        """Wait until an element says something."""

        def found() -> str | None:
            said = self.text(selector)
            return said if text in said else None

        return self.wait(f"{text!r} in {selector}", found, wait_s)

    def click(self, selector: str, text: str = "") -> None:
        """Click on the first element that is shown, and says this."""

        def done() -> bool:
            for element in self.all(selector):
                if element.is_displayed() and text in element.text:
                    element.click()
                    return True
            return False

        self.wait(f"{text or 'it'} to click on in {selector}", done)

    def type(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def fill(self, selector: str, text: str) -> None:
        """Write into a field, in place of what stands there."""
        field = self.wait(selector, lambda: next(iter(self.all(selector)), None))
        field.clear()
        field.send_keys(text)

    def focused(self) -> str:
        """The text of what has the focus."""
        return str(self.driver.switch_to.active_element.text)

    def tab_to(self, text: str) -> None:
        """Press the tabulator until the focus is on something that says this."""
        for _ in range(100):
            self.type(Keys.TAB)
            if self.focused() == text:
                return
        raise AssertionError(f"{text!r} is not reached by the tabulator")

    def resize(self, width: int, height: int) -> None:
        """As large as this is the page itself, not the window."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """Let the system prefer ``dark`` or ``light``."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def faults(self) -> list[str]:
        """What the browser complains of since it was asked last."""
        entries = self.driver.execute("getLog", {"type": "browser"})["value"]
        found = [str(entry["message"]) for entry in entries if entry["level"] == "SEVERE"]
        return [message for message in found if not any(one in message for one in _EXPECTED)]


@contextmanager
def browser(home: Path) -> Iterator[Page]:
    """Run Chromium, as it is installed, with nothing of whoever runs the tests."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(find("chromium"))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={home}/chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(str(find("chromedriver")), env={"HOME": str(home), "PATH": "/usr/bin:/bin"})
    driver = webdriver.Chrome(options=options, service=service)
    try:
        page = Page(driver)
        page.resize(*DESK)
        yield page
    finally:
        driver.quit()
