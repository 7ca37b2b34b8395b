"""The dialogues of ``tests/dialogues``, played to a listener over sockets: in clear and inside TLS, in every way."""

import ssl
from collections.abc import Mapping
from typing import Final

import pytest
import trustme

from tests.dialogues.reading import every_dialogue
from tests.dialogues.runner import Segments, drive
from tests.dialogues.script import Dialogue, Handshake
from tests.dialogues.scripted import HOSTNAME
from tests.dialogues.test_dialogues import ways
from tests.ingress.wire import served

DIALOGUES: Final = {dialogue.name.removesuffix(".txt"): dialogue for dialogue in every_dialogue()}

NOT_A_LISTENER: Final[Mapping[str, str]] = {
    **{name: "a listener speaks SMTP, and LMTP only to what it delivers to" for name in DIALOGUES if "lmtp/" in name},
    **dict.fromkeys(["auth/bearer-tokens", "auth/xoauth2"], "users have passwords, and no tokens"),
    "bdat/owner-refuses-a-chunk": "nobody is asked about a chunk that is not the last",
    "starttls/refused": "a listener that offers STARTTLS has a certificate",
    "grammar/side-commands": "EXPN is not available",
    "grammar/special-paths": "the bare postmaster gets our host name",
}
"""Dialogues with a server that no configuration makes of a listener, with the difference."""


def stranger_to_tls(dialogue: Dialogue) -> bool:
    """Whether the dialogue cannot be had inside TLS, where STARTTLS is neither offered nor taken (RFC 3207 4.2)."""
    has_starttls = "STARTTLS" in dialogue.settings.offers or any(isinstance(one, Handshake) for one in dialogue.steps)
    return has_starttls and not dialogue.settings.implicit_tls


@pytest.fixture(scope="session")
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert(HOSTNAME).configure_cert(context)
    return context


def played(*, inside_tls: bool) -> list[object]:
    """All ways in which the dialogues can be had, in clear or inside TLS."""
    return [
        pytest.param(dialogue, segments, id=f"{name}-{segments.__name__}")
        for name, dialogue in DIALOGUES.items()
        if name not in NOT_A_LISTENER
        and not (stranger_to_tls(dialogue) if inside_tls else dialogue.settings.implicit_tls)
        for segments in ways(dialogue)
    ]


@pytest.mark.parametrize(("dialogue", "segments"), played(inside_tls=False))
async def test_a_listener_does_what_the_dialogue_says(
    certificate: ssl.SSLContext, dialogue: Dialogue, segments: Segments
) -> None:
    async with served(dialogue.settings, certificate, inside_tls=False) as peer:
        await drive(dialogue, peer, segments)


@pytest.mark.parametrize(("dialogue", "segments"), played(inside_tls=True))
async def test_a_listener_does_the_same_inside_tls(
    certificate: ssl.SSLContext, dialogue: Dialogue, segments: Segments
) -> None:
    async with served(dialogue.settings, certificate, inside_tls=True) as peer:
        await drive(dialogue, peer, segments)


def test_what_cannot_be_played_is_counted_so_that_no_dialogue_drops_out_unnoticed() -> None:
    assert not NOT_A_LISTENER.keys() - DIALOGUES.keys()
    assert len(NOT_A_LISTENER) == 15
    assert sum(stranger_to_tls(dialogue) for dialogue in DIALOGUES.values()) == 12
