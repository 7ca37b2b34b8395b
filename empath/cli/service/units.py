"""The units that make a service of an installation, as text, and where systemd looks for them."""

from __future__ import annotations

import pkgutil
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

_PROGRAM: Final = "/usr/local/bin/empath"
_OLDEST: Final = 252
"""The oldest systemd that the units are for (Debian 12)."""
_WAITS_FOR_RELOADS: Final = 253
"""From this one on systemd sends the signal itself and waits until the daemon has obeyed it."""
_PLACES: Final = {
    "empath.service": "/etc/systemd/system/empath.service",
    "empath.socket": "/etc/systemd/system/empath.socket",
    "empath.sysusers": "/etc/sysusers.d/empath.conf",
    "empath.tmpfiles": "/etc/tmpfiles.d/empath.conf",
}


def for_system(program: PurePath, *, version: int) -> Mapping[PurePath, str]:
    """Return the files of a service of the machine, by their places. ``version``: of systemd."""
    return {PurePath(place): _unit(name, program, version) for name, place in _PLACES.items()}


def for_user(program: PurePath, *, version: int) -> Mapping[PurePath, str]:
    """Return the file of a service of one user, by its place below the user's home."""
    return {PurePath(".config/systemd/user/empath.service"): _unit("empath.user.service", program, version)}


def systemd_version() -> int:
    """Return which systemd is here; the oldest that will do, if there is none."""
    program = shutil.which("systemctl")
    if program is None:
        return _OLDEST
    # Nothing of what is run comes from anybody but us.
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True)  # noqa: S603
    found = re.match(r"systemd (\d+)", said.stdout)
    return int(found[1]) if found else _OLDEST


def _unit(name: str, program: PurePath, version: int) -> str:
    content = pkgutil.get_data("empath.cli.service", f"files/{name}")
    if content is None:
        raise FileNotFoundError(f"the file {name} is not in this installation")
    text = content.decode().replace(_PROGRAM, _quoted(program))
    if version >= _WAITS_FOR_RELOADS:
        text = text.replace("Type=notify\n", "Type=notify-reload\n")
        text = re.sub(r"(?m)^# It reads its configuration again.*\nExecReload=.*\n", "", text)
    return text


def _quoted(program: PurePath) -> str:
    """As ``ExecStart=`` understands it (systemd.service(5), "Command lines")."""
    escaped = str(program).replace("%", "%%")
    return escaped if re.fullmatch(r"[\w./%+@~-]+", escaped) else '"' + re.sub(r'(["\\])', r"\\\1", escaped) + '"'
