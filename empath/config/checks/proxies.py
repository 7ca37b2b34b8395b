"""Checks of whose word about other clients is taken."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.places import KeyPath
from empath.config.proxies import everybody
from empath.policy.reception.openness import too_open


def believed(subject: Subject) -> Iterator[Finding]:
    """Networks that are most of the Internet, put together; one that is everybody has been refused before."""
    for index, listener in enumerate(subject.config.smtp.listeners):
        for name in ("proxy_protocol_from", "xclient_from"):
            if problem := too_open(getattr(listener, name)):
                refusal = everybody(f"these networks are too many: {problem}")
                key: KeyPath = ("smtp", "listeners", index, name)
                yield Finding(
                    code=refusal.code, about=(key,), what=refusal.what, why=refusal.why, remedy=refusal.remedy
                )
