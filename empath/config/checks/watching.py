"""Checks of what operators watch and steer with."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath


def not_yet(subject: Subject) -> Iterator[Finding]:
    """Keys of ``[api]`` that may stand in a file before there is anything for them to switch."""
    api = subject.config.api
    keys = {
        "control_socket": ("no commands that change a running daemon", True),
        "allowed_origins": ("no live connection for browsers", bool(api.allowed_origins)),
        "dashboard": ("no dashboard", api.dashboard),
    }
    for name, (missing, matters) in keys.items():
        key: KeyPath = ("api", name)
        if matters and subject.is_given(key):
            yield _idle(key, f"this version has {missing}", "leave it out until a release brings it")


def retention(subject: Subject) -> Iterator[Finding]:
    """Without a file for each day there are no old ones."""
    key: KeyPath = ("audit", "retain_days")
    if subject.is_given(key) and not subject.config.audit.rotate_daily:
        yield _idle(key, "audit.rotate_daily is off, so there is one file for all days", "turn audit.rotate_daily on")


def _idle(key: KeyPath, why: str, remedy: str) -> Finding:
    what = "changes nothing"
    return Finding(code=Code.NO_EFFECT, about=(key,), what=what, why=why, remedy=remedy, is_error=False)
