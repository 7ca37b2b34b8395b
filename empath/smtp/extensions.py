"""Service extensions: what an EHLO answer offers (RFC 5321 4.1.1.1), and what both ends can do.

A keyword counts only as a whole word at the start of its line: ``XSTARTTLS`` or a greeting that mentions STARTTLS
offers nothing. A line that breaks the grammar is passed over, as is a parameter that means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final

from attrs import frozen

from empath.smtp import grammar


@frozen
class TransactionLimits:
    """What a server said under LIMITS (RFC 9422 4); None: nothing was said."""

    mail_max: int | None = None
    """Transactions in one session."""
    rcpt_max: int | None = None
    """Recipients in one transaction."""
    rcpt_domain_max: int | None = None
    """Recipient domains in one session."""


@frozen
class Extensions:
    """A set of keywords with their parameters; keywords and AUTH mechanisms in upper case."""

    keywords: dict[str, tuple[str, ...]]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Extensions:
        """Read the lines of an EHLO answer that follow the first one; of a keyword given twice the first counts."""
        found: dict[str, tuple[str, ...]] = {}
        for line in lines:
            match = grammar.EHLO_LINE.fullmatch(line)
            if match is not None:
                keyword = match["keyword"].upper()
                params = match["params"].upper() if keyword == "AUTH" else match["params"]
                found.setdefault(keyword, tuple(params.split()))
        return cls(found)

    @classmethod
    def of(cls, *lines: str) -> Extensions:
        """``Extensions.of("PIPELINING", "SIZE 1000")``: what a server is to offer. A malformed line is a ValueError."""
        offered = cls.parse(lines)
        if len(offered.keywords) != len(lines):
            raise ValueError(f"malformed or repeated among {lines!r}")
        return offered

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of an EHLO answer: the inverse of ``parse``."""
        return tuple(" ".join((keyword, *params)) for keyword, params in self.keywords.items())

    def __contains__(self, keyword: object) -> bool:
        """Whether ``keyword``, in upper case, is offered."""
        return keyword in self.keywords

    def __iter__(self) -> Iterator[str]:
        """The keywords."""
        return iter(self.keywords)

    def __and__(self, wanted: Extensions) -> Extensions:
        """What this side offers and ``wanted`` can use: the parameters are this side's, for AUTH those of both."""
        both = {keyword: params for keyword, params in self.keywords.items() if keyword in wanted}
        if "AUTH" in both:
            both["AUTH"] = tuple(mechanism for mechanism in both["AUTH"] if mechanism in wanted.mechanisms)
        if not both.get("AUTH", True):
            del both["AUTH"]
        return Extensions(both)

    def without(self, *dropped: str) -> Extensions:
        """The same but for some keywords."""
        return Extensions({keyword: params for keyword, params in self.keywords.items() if keyword not in dropped})

    @cached_property
    def in_ascii(self) -> Extensions:
        """The same but for SMTPUTF8: what may be used where addresses are ASCII. Asked for with every recipient."""
        return self.without("SMTPUTF8") if "SMTPUTF8" in self else self

    @property
    def size(self) -> int | None:
        """The largest message in octets (RFC 1870 3); None: no limit was declared."""
        return _number(self.keywords.get("SIZE", ()), digits=20)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms of AUTH (RFC 4954 3)."""
        return self.keywords.get("AUTH", ())

    @cached_property
    def limits(self) -> TransactionLimits:
        """The limits of RFC 9422; unknown ones and values that are no numbers of one to six digits are passed over."""
        said = dict(param.upper().partition("=")[::2] for param in self.keywords.get("LIMITS", ()))
        return TransactionLimits(
            mail_max=_number((said.get("MAILMAX", ""),), digits=6),
            rcpt_max=_number((said.get("RCPTMAX", ""),), digits=6),
            rcpt_domain_max=_number((said.get("RCPTDOMAINMAX", ""),), digits=6),
        )


def _number(params: tuple[str, ...], *, digits: int) -> int | None:
    """The first parameter as a positive number; RFC 1870 3 and RFC 9422 4 both give zero no use as a limit."""
    text = params[0] if params else ""
    return int(text) or None if text.isascii() and text.isdigit() and len(text) <= digits else None


NO_EXTENSIONS: Final = Extensions({})
"""What is in force before EHLO and after HELO."""

EVERYTHING: Final = Extensions.of(
    *("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN", "STARTTLS", "LIMITS"),
    *("AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER", "REQUIRETLS", "MT-PRIORITY", "FUTURERELEASE", "DELIVERBY", "XCLIENT"),
)
"""All that these machines can make use of: what a client wants, unless it is told to want less."""

BASIC: Final = Extensions.of("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN")
"""What a server offers, unless it is told otherwise: all that needs no decision of its owner."""
