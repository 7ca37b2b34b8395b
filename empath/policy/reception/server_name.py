"""Which certificate a client gets to see."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field


@define(eq=False)
class ServerNames:
    """Finds the certificate for the name that a client asks for (SNI, RFC 6066 3).

    ``offers`` are the DNS names of each certificate, those of the default one first. ``*.example.org`` stands for one
    label, no more and no less (RFC 9525 6.3).
    """

    _offers: Sequence[Sequence[str]]
    _exact: dict[str, int] = field(init=False, factory=dict)
    _below: dict[str, int] = field(init=False, factory=dict)
    """Wildcards, by the domain behind the asterisk."""

    def __attrs_post_init__(self) -> None:
        """Build the index. Of two certificates for one name the first counts."""
        for number, names in enumerate(self._offers):
            for name in map(_normal, names):
                label, _, parent = name.partition(".")
                index, key = (self._below, parent) if label == "*" else (self._exact, name)
                index.setdefault(key, number)

    def find(self, name: str | None) -> int:
        """The number of the certificate for ``name``; an exact name outranks a wildcard.

        It is 0, the default, for a client that names nothing, or nothing of ours: most mail servers do not mind which
        certificate they see, and if they were turned away they would come back in clear (RFC 7435 3).
        """
        asked = _normal(name or "")
        exact = self._exact.get(asked)
        return self._below.get(asked.partition(".")[2], 0) if exact is None else exact


def _normal(name: str) -> str:
    return name.lower().removesuffix(".")
