"""The observer that writes the log. It takes a few microseconds for a line, and none for a fact that has none."""

from __future__ import annotations

import logging
from typing import Final

import trio
from attrs import define, field

from empath.mail.facts import Fact
from empath.ops.logbook.record import SentenceRecord
from empath.ops.logbook.sentences import Sentence, sentence
from empath.ops.logbook.similar import Similar
from empath.world.ports import Clock

_PARTS: Final = ("reception", "delivery", "lanes", "operators", "reports")
_LOGGERS: Final = {part: logging.getLogger(f"empath.{part}") for part in _PARTS}
_ROUND_S: Final = 10.0
"""How often is looked for lines that were left out and are to be counted out loud."""


@define(eq=False)
class Logbook:
    """See ``observe``; ``run`` tells in the background of lines that were left out."""

    _clock: Clock
    _similar: Similar = field(factory=lambda: Similar(most=20, max_kinds=1000))

    def observe(self, fact: Fact) -> None:
        """Write a fact down, if its level lets it through and not too many like it were written lately."""
        said = sentence(fact)
        if said is None:
            return
        logger = _LOGGERS[said.part]
        if not logger.isEnabledFor(said.level):
            return
        if said.similar is None or self._similar.lets_through(said.similar, fact.at):
            logger.handle(SentenceRecord(logger.name, said, fact.at))

    async def run(self) -> None:
        """Say now and then how many lines were left out. To be cancelled; what is left is said then."""
        try:
            while True:
                await trio.sleep(_ROUND_S)
                self._tell(all_of_them=False)
        finally:
            self._tell(all_of_them=True)

    def _tell(self, *, all_of_them: bool) -> None:
        if not self._similar.left_out:
            return
        for (event, lane, text), count in self._similar.over(self._clock.now(), all_of_them=all_of_them):
            said = Sentence(
                logging.INFO, "delivery", event, [("lane", lane), ("similar", f"+{count}"), ("reply", text[:80])]
            )
            logger = _LOGGERS[said.part]
            if logger.isEnabledFor(said.level):
                logger.handle(SentenceRecord(logger.name, said, self._clock.now()))
