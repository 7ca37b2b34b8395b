"""Clients that send all the time, and the ledger of what they were promised."""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from random import Random
from threading import Event, Lock, Thread
from typing import Final, Self

from attrs import define, field

CLIENTS: Final = 4
MAX_RECIPIENTS: Final = 5
SIZES_OCTETS: Final = (100, 60_000)
_RECONNECT_S: Final = 0.02
_TIMEOUT_S: Final = 30.0


@define(eq=False)
class Load:
    """Sends from several sessions until the context is left. Every message is another one, and is tried once."""

    seed: int
    port: Callable[[], int]
    """Where the daemon listens now. After a restart that is another port."""
    digests: dict[str, bytes] = field(init=False, factory=dict)
    """Of the content that was, or was to be, sent to each recipient."""
    promised: set[str] = field(init=False, factory=set)
    """Recipients of messages whose final dot was answered with 250."""
    _over: Event = field(init=False, factory=Event)
    _lock: Lock = field(init=False, factory=Lock)
    _threads: list[Thread] = field(init=False, factory=list)

    def __enter__(self) -> Self:
        self._threads = [Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        random = Random(f"{self.seed} {client}")
        number = 0
        while not self._over.is_set():
            with (
                suppress(OSError, smtplib.SMTPException),
                smtplib.SMTP("127.0.0.1", self.port(), timeout=_TIMEOUT_S) as smtp,
            ):
                while not self._over.is_set():
                    number += 1
                    self._send(smtp, f"{client}-{number}", random)
            self._over.wait(_RECONNECT_S)

    def _send(self, smtp: smtplib.SMTP, name: str, random: Random) -> None:
        recipients = tuple([f"{name}-{index}@example.org" for index in range(random.randint(1, MAX_RECIPIENTS))])
        lines, rest = divmod(random.randint(*SIZES_OCTETS), 70)
        content = f"Subject: {name}\r\n\r\n".encode() + random.randbytes(35).hex().encode() + b"\r\n"
        content += (b"." * 68 + b"\r\n") * lines + b"x" * rest + b"\r\n"
        with self._lock:
            self.digests |= dict.fromkeys(recipients, sha256(content).digest())
        smtp.sendmail("", list(recipients), content)
        with self._lock:
            self.promised |= set(recipients)
