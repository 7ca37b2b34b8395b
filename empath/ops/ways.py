"""Figures of the ways that mail leaves by: questions to DNS, connections, and the stages of a delivery."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Final

from attrs import define, field

from empath.mail.diagnosis import Kind
from empath.mail.way_facts import HostDialled, NameLookedUp
from empath.ops.histogram import COUNTS, SECONDS, Histogram

STAGES: Final = ("dns", "connect", "tls", "mail", "rcpt", "data")
RECORD_TYPES: Final = ("MX", "A", "AAAA", "TXT", "TLSA")
RESULTS: Final = ("ok", "nodata", "nxdomain", "temporary")
SECURITY: Final = ("secure", "insecure", "indeterminate")
IN_CLEAR: Final = "none"


@define(eq=False)
class Ways:
    """Counts what is told of them. All its series are known in advance, but for the versions of TLS."""

    stages: dict[str, Histogram] = field(init=False, factory=lambda: {stage: Histogram(SECONDS) for stage in STAGES})
    connections: Counter[str] = field(
        init=False, factory=lambda: Counter(dict.fromkeys(["ok", *(kind.value for kind in Kind)], 0))
    )
    per_connection: Histogram = field(init=False, factory=lambda: Histogram(COUNTS))
    tls: Counter[tuple[str, str]] = field(init=False, factory=lambda: Counter({(IN_CLEAR, "false"): 0}))
    """By version, and whether the host has proved who it is."""
    lookup_s: Histogram = field(init=False, factory=lambda: Histogram(SECONDS))
    lookups: Counter[tuple[str, str]] = field(
        init=False, factory=lambda: Counter(dict.fromkeys(product(RECORD_TYPES, RESULTS), 0))
    )
    """By type of record, and result."""
    security: Counter[str] = field(init=False, factory=lambda: Counter(dict.fromkeys(SECURITY, 0)))

    def passed(self, stages: tuple[tuple[str, float], ...]) -> None:
        """Some stages are over."""
        for stage, took_s in stages:
            self.stages[stage].add(took_s)

    def dialled(self, fact: HostDialled) -> None:
        """A host was connected to, or could not be."""
        self.connections[fact.result] += 1
        self.passed(fact.stages)
        if fact.result == "ok":
            self.tls[fact.tls_version or IN_CLEAR, str(fact.tls_verified).lower()] += 1

    def looked_up(self, fact: NameLookedUp) -> None:
        """DNS servers were asked."""
        self.lookup_s.add(fact.took_s)
        self.lookups[fact.kind, fact.result] += 1
        if fact.security is not None:
            self.security[fact.security] += 1
