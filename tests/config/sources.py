"""Configurations for tests: text in, what `load` makes of it out. No file of the machine is ever looked at."""

from collections.abc import Mapping
from pathlib import Path

from empath.config import ConfigError, Fault, Loaded, Sources, load

LIVE = 'mode = "live"\nhostname = "mx.example.org"\n'


def write(directory: Path, text: str, name: str = "empath.toml") -> Path:
    """Write a file and return its path."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def load_text(directory: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    """Load one file and these variables."""
    return load(Sources(file=write(directory, text), environ=environ or {}, is_root=True))


def faults_of(directory: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[Fault, ...]:
    """Return all faults, warnings included, of one file and these variables."""
    try:
        return load_text(directory, text, environ).warnings
    except ConfigError as error:
        return error.faults
