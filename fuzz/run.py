"""The search: ``python -m fuzz.run TARGET SECONDS`` drives one target with atheris and ends by itself.

A finding does not end the run: the input is kept in ``fuzz/findings/TARGET/``, once for each place in the code that
raised, and the search goes on. Inputs that reached new code are kept in ``fuzz/findings/TARGET.reached/``, so the next
run begins where this one ended. Exits with 1 if there are findings. An input that takes longer than ``TOO_SLOW_S`` ends
the run at once, and lies among the findings too.
"""

import hashlib
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from fuzz import HERE, TARGETS

try:
    import atheris
except ImportError:
    sys.exit(
        "fuzz.run: atheris is not installed; it exists for Python 3.11 on Linux (x86-64) alone.\n"
        "fuzz.run: the targets run without it too, on the committed seeds and on what Hypothesis makes up: "
        "just test tests/fuzz"
    )

MAX_OCTETS = 1024
TOO_SLOW_S = 5


@define
class Search:
    """Counts what is executed, keeps what is found, and ends the process when the time is up."""

    target: Callable[[bytes], None]
    findings: Path
    ends: float
    began: float = field(factory=time.monotonic)
    executions: int = 0
    places: set[str] = field(factory=set)

    def once(self, data: bytes) -> None:
        """Execute the target on ``data``."""
        self.executions += 1
        try:
            self.target(data)
        except Exception as problem:  # whatever it is, it was not allowed
            self.keep(data, problem)
        if time.monotonic() >= self.ends:
            self.report()
            # libFuzzer ends its process from C; Python would wait for it in vain.
            sys.stdout.flush()
            os._exit(1 if self.places else 0)

    def keep(self, data: bytes, problem: Exception) -> None:
        """Write ``data`` down unless something was raised at the same place before."""
        frame = traceback.extract_tb(problem.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno} {type(problem).__name__}"
        if place in self.places:
            return
        self.places.add(place)
        path = self.findings / hashlib.sha256(data).hexdigest()[:16]
        path.write_bytes(data)
        print(f"== finding {path}: {place}: {problem}\n{data!r}", flush=True)
        traceback.print_exception(problem)

    def report(self) -> None:
        """Say what this run came to."""
        spent_s = time.monotonic() - self.began
        print(f"== {self.executions} executions in {spent_s:.0f} s, {len(self.places)} findings", flush=True)
        for place in sorted(self.places):
            print(f"== {place}", flush=True)


def main(target: str, seconds: float) -> None:
    """Search with ``target`` for ``seconds``."""
    findings, reached = HERE / "findings" / target, HERE / "findings" / f"{target}.reached"
    for directory in (findings, reached):
        directory.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["empath.smtp"]):
        module = importlib.import_module(f"fuzz.{target}")
    search = Search(module.fuzz, findings, time.monotonic() + seconds)
    options = [f"-dict={HERE / 'tokens.dict'}", f"-max_len={MAX_OCTETS}", f"-timeout={TOO_SLOW_S}"]
    options += [f"-artifact_prefix={findings}{os.sep}"]
    atheris.Setup([sys.argv[0], *options, str(reached), str(HERE / "corpus" / target)], search.once)
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m fuzz.run TARGET [SECONDS]; a target is one of {', '.join(TARGETS)}")
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) == 3 else 60)
