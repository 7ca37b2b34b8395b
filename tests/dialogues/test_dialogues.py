"""The dialogues in the directories beside this file, each played to the server machine in every way that it allows."""

import re

import pytest

from tests.dialogues.reading import every_dialogue
from tests.dialogues.runner import MemoryPeer, Segments, drive, in_pieces, together
from tests.dialogues.script import Dialogue

DIALOGUES = every_dialogue()


def ways(dialogue: Dialogue) -> list[Segments]:
    """How the groups of ``dialogue`` may come."""
    allowed: dict[Segments, bool] = {together: dialogue.settings.together, in_pieces: dialogue.settings.in_pieces}
    return [segments for segments, holds in allowed.items() if holds]


@pytest.mark.parametrize(
    ("dialogue", "segments"),
    [
        pytest.param(dialogue, segments, id=f"{dialogue.name}-{segments.__name__}")
        for dialogue in DIALOGUES
        for segments in ways(dialogue)
    ],
)
async def test_the_server_does_what_the_dialogue_says(dialogue: Dialogue, segments: Segments) -> None:
    await drive(dialogue, MemoryPeer(dialogue.settings), segments)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_each_dialogue_names_its_source(dialogue: Dialogue) -> None:
    assert re.search(r"RFC \d{4}|Postfix's XCLIENT", dialogue.title)


@pytest.mark.parametrize("dialogue", [d for d in DIALOGUES if d.name.startswith("smuggling/")], ids=lambda d: d.name)
def test_what_tries_to_be_two_messages_is_one_or_none(dialogue: Dialogue) -> None:
    assert len(dialogue.messages) < 2
