"""The two encodings of text inside parameters: xtext (RFC 3461 4) and the UTF-8 address forms (RFC 6533 3).

What comes out of ``decode`` may have been written to break out of a record, a header or a terminal. Nothing that holds
a control character is let through, so that no reader further on has to remember to check.
"""

from __future__ import annotations

from empath.smtp import grammar


def encode(text: bytes) -> bytes:
    """``text`` as xtext: printable ASCII stands for itself, but "+" and "=" and all the rest become hexchars."""
    return b"".join(b"%c" % octet if 33 <= octet <= 126 and octet not in b"+=" else b"+%02X" % octet for octet in text)


def decode(text: bytes) -> bytes:
    """The inverse of ``encode``. A ValueError: not xtext, or what it hides is not printable ASCII."""
    if grammar.XTEXT.fullmatch(text) is None:
        raise ValueError("not xtext")
    plain = grammar.HEXCHAR.sub(lambda match: bytes([int(match[1], 16)]), text) if b"+" in text else text
    if not plain.isascii() or grammar.CONTROL.search(plain):
        raise ValueError("xtext hides a character that is not printable ASCII")
    return plain


def encode_address(text: str) -> bytes:
    r"""An address as utf-8-addr-xtext, which goes over any connection: other characters become ``\x{HEX}``."""
    return "".join(c if "!" <= c <= "~" and c not in "+=\\" else f"\\x{{{ord(c):02X}}}" for c in text).encode("ascii")


def decode_address(text: bytes) -> str:
    """The inverse of ``encode_address``; reads utf-8-addr-unitext too. A ValueError: neither, or not printable."""
    written = text.decode()
    if grammar.UTF8_ADDRESS.fullmatch(written) is None:
        raise ValueError("neither utf-8-addr-xtext nor utf-8-addr-unitext")
    plain = grammar.EMBEDDED.sub(lambda match: chr(int(match[1], 16)), written)
    if not plain.replace(" ", "").isprintable():
        raise ValueError("the address hides a character that is not printable")
    return plain
