"""The productions of the RFCs as regular expressions over bytes, one room for all of them.

All are linear: no repeat stands inside a repeat over the same octets. Octets from 0x80 up stand where RFC 6531 3.3 puts
UTF8-non-ascii; whether they may be used is for the reader to decide, and whether they are UTF-8.
"""

from __future__ import annotations

import re
from typing import Final

# RFC 5321 4.1.2 and 5322 3.2.3: Atom = 1*atext; Dot-string = Atom *("." Atom)
_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_DOT_STRING = _ATOM + rb"(?:\." + _ATOM + rb")*"
# RFC 5321 4.1.2: Quoted-string = DQUOTE *(qtextSMTP / "\" %d32-126) DQUOTE
_QUOTED_STRING = rb'"(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*"'
# RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str]; the underscore is ours (see address.py), UTF-8 is RFC 6531 3.3
_LABEL = rb"[A-Za-z0-9_\x80-\xff]+(?:-+[A-Za-z0-9_\x80-\xff]+)*"
_DOMAIN = _LABEL + rb"(?:\." + _LABEL + rb")*"
# RFC 5321 4.1.3: address-literal = "[" ( IPv4 / "IPv6:" IPv6 / Standardized-tag ":" 1*dcontent ) "]"
_LITERAL = rb"\[[!-Z^-~]+\]"
# RFC 5321 4.1.2: Mailbox = Local-part "@" ( Domain / address-literal ); Local-part = Dot-string / Quoted-string
_MAILBOX = b"(?P<local>%b|%b)@(?P<domain>%b|%b)" % (_DOT_STRING, _QUOTED_STRING, _DOMAIN, _LITERAL)
# RFC 5321 4.1.2: A-d-l = "@" Domain *("," "@" Domain), read and dropped (RFC 5321 3.6.1 and appendix C)
_ROUTE = rb"@" + _DOMAIN + rb"(?:,@" + _DOMAIN + rb")*:"

MAILBOX: Final = re.compile(_MAILBOX)
DOMAIN: Final = re.compile(_DOMAIN)
LITERAL: Final = re.compile(rb"\[(?:(?P<tag>[A-Za-z0-9-]*[A-Za-z0-9]):)?(?P<content>[!-Z^-~]+)\]")

# RFC 5321 4.1.2: Path = "<" [ A-d-l ":" ] Mailbox ">", with its two special forms (4.1.1.2, 4.1.1.3).
PATH: Final = re.compile(rb"<(?:(?:" + _ROUTE + rb")?" + _MAILBOX + rb"|(?P<postmaster>(?i:postmaster))|)>")

# RFC 5321 4.1.2: esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"); esmtp-value = 1*(%d33-60 / %d62-126),
# with UTF-8 in RFC 6531 3.3
PARAM: Final = re.compile(rb"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[!-<>-~\x80-\xff]+))?")
# RFC 5321 4.1.1.1: ehlo-keyword *( SP ehlo-param ), here as text
EHLO_LINE: Final = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?P<params>(?: +[!-~]+)*) *")
# RFC 3461 4: xtext = *( xchar / hexchar ); xchar is a printable character but "+" and "="
XTEXT: Final = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
HEXCHAR: Final = re.compile(rb"\+([0-9A-F]{2})")
# RFC 6533 3: utf-8-addr-xtext and -unitext; EmbeddedUnicodeChar = "\x{" HEXPOINT "}"
UTF8_ADDRESS: Final = re.compile(r"(?:[!-*,-<>-\[\]-~\x80-\U0010ffff]|\\x\{[0-9A-F]{2,6}\})+")
EMBEDDED: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
# RFC 3461 4.2: addr-type = atom
ADDR_TYPE: Final = re.compile(rb"[A-Za-z0-9-]+")
# RFC 3339 5.6: date-time; the ranges of its numbers are for the calendar to judge
DATE_TIME: Final = re.compile(rb"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
# RFC 4954 4, RFC 4422 3.1: sasl-mech = 1*20 of upper case letters, digits, hyphen, underscore
MECHANISM: Final = re.compile(rb"[A-Z0-9_-]{1,20}")
# The name of a client in EHLO, which goes into a Received field: RFC 5321 4.1.1.1 asks for a domain or a literal, and
# clients give all kinds of host names. No space, comment, quote or angle can hide in these.
HELLO_NAME: Final = re.compile(rb"[A-Za-z0-9_.:-]{1,255}|\[[A-Za-z0-9.:-]{1,255}\]")
# RFC 5321 4.1.2: no control character stands in any command
CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
