"""``empath serve`` as a process of its own, as an operator has it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, Self

from attrs import define, field, frozen

START_S: Final = 60.0
STOP_S: Final = 60.0

# In both forms of the log.
_SMTP: Final = re.compile(r"""^( +|.*"message":")smtp \S+:(\d+)""")
_HTTP: Final = re.compile(r"""^( +|.*"message":")https?://(\S+) """)
_LAST: Final = re.compile(r"""^( +|.*"message":")configuration """)
# What is tried is this tree, or the program that is installed beside another interpreter (`just package`).
_INSTALLED: Final = os.environ.get("EMPATH_INSTALLED")
_COMMAND: Final = (
    (f"{_INSTALLED}/bin/empath",) if _INSTALLED else (sys.executable, "-c", "from empath.cli.main import main; main()")
)


@frozen
class Finished:
    """What a command that has ended left behind."""

    status: int
    stdout: str
    stderr: str


def environment(home: Path) -> dict[str, str]:
    """Return an environment without the configuration of whoever runs the tests; all that is kept lies in ``home``.

    What would listen on a port of its own gets any free one, since several daemons run at a time.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("EMPATH_", "XDG_"))}
    return inherited | {
        "HOME": str(home),
        "PYTHONPATH": "" if _INSTALLED else str(Path(__file__).parents[2]),
        "EMPATH_SPOOL__PATH": f"{home}/spool",
        "EMPATH_AUDIT__LOG_PATH": f"{home}/audit.jsonl",
        "EMPATH_LOG__FORMAT": "logfmt",
        "EMPATH_API__CONTROL_SOCKET": f"{home}/control.sock",
        **{f"EMPATH_{section}__LISTEN_ADDR": "127.0.0.1:0" for section in ("METRICS", "HEALTH", "API")},
    }


def empath(
    *arguments: str, home: Path, stdin: str = "", more: dict[str, str] | None = None, wrapper: tuple[str, ...] = ()
) -> Finished:
    """Run a subcommand to its end. ``more``: further variables of its environment. ``wrapper``: see `Daemon`."""
    command, variables = [*wrapper, *_COMMAND, *arguments], environment(home) | (more or {})
    done = subprocess.run(
        command, check=False, env=variables, input=stdin, capture_output=True, text=True, timeout=START_S
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def live(home: Path, *, next_hop: str, settings: str = "", listener: str = "") -> Path:
    """Write the configuration of a relay that sends everything to one host, and retries after a second."""
    path = home / "empath.toml"
    path.write_text(
        f"""mode = "live"
hostname = "mx.example.org"
delivery.smart_host = "{next_hop}"
delivery.retry_base_delay = "1s"
delivery.max_attempts = 21
delivery.tls.default_policy = "disabled"
{settings}

[[smtp.listeners]]
listen_addr = "127.0.0.1:0"
{listener}
"""
    )
    return path


@define(eq=False)
class Daemon:
    """A daemon that has announced where it listens. Leaving the context kills it, unless it has ended."""

    home: Path
    config: Path | None = None
    """None: none at all, as a new user has it."""
    wrapper: tuple[str, ...] = ()
    """What to run it under, such as strace with its options."""
    more: dict[str, str] = field(factory=dict)
    """Further variables of its environment."""
    lines: list[str] = field(init=False, factory=list)
    """What it has written to stderr, over all its starts."""
    port: int = field(init=False, default=0)
    _process: subprocess.Popen[str] | None = field(init=False, default=None)
    _reader: Thread | None = field(init=False, default=None)
    _listening: "SimpleQueue[int]" = field(init=False, factory=SimpleQueue)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        """Where HTTP is spoken, if the sections of the configuration share a server."""
        return next(found[2] for line in reversed(self.lines) if (found := _HTTP.match(line)))

    @property
    def log(self) -> str:
        """All that it has written, as one text."""
        return "\n".join(self.lines)

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process that runs, or ran last."""
        assert self._process is not None, "it was never started"
        return self._process

    def start(self) -> None:
        """Start, and wait for the announcement."""
        configuration = () if self.config is None else ("--config", str(self.config))
        self._process = subprocess.Popen(
            [*self.wrapper, *_COMMAND, "serve", *configuration],
            env=environment(self.home) | self.more,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._collect, args=(self._process,))
        self._reader.start()
        try:
            self.port = self._listening.get(timeout=START_S)
        except Empty:
            self.port = 0
        if not self.port:
            self.kill()
            raise AssertionError(f"it does not listen:\n{self.log}")

    def _collect(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        port = 0
        for line in process.stderr:
            self.lines.append(line.rstrip("\n"))
            if found := _SMTP.match(line):
                port = int(found[2])
            if _LAST.match(line):
                self._listening.put(port)
        self._listening.put(0)

    def wait_for_line(self, text: str, timeout_s: float = 60.0) -> None:
        """Wait until a line that it writes holds a text."""
        deadline = time.monotonic() + timeout_s
        while not any(text in line for line in list(self.lines)):
            assert time.monotonic() < deadline, f"{text!r} was not written:\n{self.log}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """Wait for its end, and return its status."""
        status = self.process.wait(timeout_s)
        assert self._reader is not None
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        while not self._listening.empty():
            self._listening.get()
        return status

    def kill(self) -> None:
        """End it as a loss of power would, but for what the kernel still writes out."""
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        """End it as an operator would, and return its status."""
        self.signal(signal.SIGTERM)
        return self.wait()
