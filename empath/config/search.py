"""Where configuration is looked for, and where things lie by default. Nothing is opened here.

Two kinds of installation differ in that. A system-wide one reads ``/etc/empath/empath.toml`` and keeps its data below
``/var``. That of a user, who has just typed ``empath serve``, follows the XDG base directory specification. The current
directory is never looked at: what a daemon does must not depend on where somebody stood.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

SYSTEM_FILE: Final = Path("/etc/empath/empath.toml")


def user_file(environ: Mapping[str, str]) -> Path | None:
    """Return where the user's own configuration would lie; None for a user without a home."""
    base = _directory(environ, "XDG_CONFIG_HOME", ".config")
    return None if base is None else base / "empath" / "empath.toml"


def user_defaults(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the keys whose defaults lie in the user's directories, as a tree; none for a user without a home."""
    base = _directory(environ, "XDG_STATE_HOME", ".local/state")
    if base is None:
        return {}
    state = base / "empath"
    runtime = _directory(environ, "XDG_RUNTIME_DIR", None)
    return {
        "spool": {"path": str(state)},
        "audit": {"log_path": str(state / "audit.jsonl")},
        "api": {"control_socket": str((state if runtime is None else runtime / "empath") / "control.sock")},
    }


def _directory(environ: Mapping[str, str], variable: str, below_home: str | None) -> Path | None:
    """Return an XDG directory. A relative path in its variable counts as unset, as the specification says."""
    if environ.get(variable, "").startswith("/"):
        return Path(environ[variable])
    if below_home is None or not environ.get("HOME", "").startswith("/"):
        return None
    return Path(environ["HOME"]) / below_home
