"""One daemon and one browser for all that follows; both take longer to start than what is done with them."""

import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from tests.dashboard.browser import Page, browser
from tests.process.daemon import Daemon, empath
from tests.process.ports import free_port

_LOGIN: Final = re.compile(r"http://\S+/#login=[\w-]+")
_MID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{1,10}\b")


@frozen
class Place:
    """A sandbox, and the address that its pages begin with."""

    daemon: Daemon
    home: Path
    site: str
    token: str
    """For everything."""
    reader: str
    """For looking only."""

    def login(self) -> str:
        """The address that the daemon has printed when it started."""
        self.daemon.wait_for_line("#login=")
        return next(found[0] for line in reversed(self.daemon.lines) if (found := _LOGIN.search(line)))

    def send(self, to: str, subject: str = "lunch", html: str = "") -> str:
        """Hand a message in, and return its name."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
        message.set_content("At noon?\n")
        if html:
            message.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", self.daemon.port) as client:
            client.ehlo()
            client.mail("shop@example.com")
            client.rcpt(to)
            status, said = client.data(message.as_bytes(policy=SMTP))
        assert status == 250, said
        found = _MID.search(said.decode())
        assert found, said
        return found[0]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("sandbox")
    tokens, address = home / "tokens", f"127.0.0.1:{free_port()}"
    boss, reader = (
        empath("token", "new", name, "--scope", scope, "--file", str(tokens), home=home).stdout.split()[-1]
        for name, scope in (("boss", "admin"), ("reader", "read"))
    )
    more = {
        "EMPATH_API__TOKENS_FILE": str(tokens),
        "EMPATH_API__LISTEN_ADDR": address,
        "EMPATH_HEALTH__LISTEN_ADDR": address,
    }
    config = home / "empath.toml"
    config.write_text('mode = "sandbox"\n')
    with Daemon(home, config, more=more) as daemon:
        yield Place(daemon, home, f"http://{address}", boss, reader)


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page
