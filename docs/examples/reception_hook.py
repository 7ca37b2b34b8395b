"""A reception hook: refuses mail whose subject holds certain words, and marks what it has let through."""

from typing import ClassVar

from attrs import define, frozen

from empath.config.kinds import TEXT
from empath.config.schema.keys import count, several
from empath.hooks import AddFields, Answer, Message, Refuse, hookimpl
from empath.mail.headers import fields
from empath.smtp import Reply
from empath.world import World


@frozen(kw_only=True)
class SubjectSettings:
    """What the configuration may say under ``settings``."""

    words: tuple[str, ...] = several(TEXT, "which words no subject may hold")
    most: int = count(1, "how many of them are too many")


@define(kw_only=True)
class Subjects:
    """Empath makes one of these for each ``[[smtp.hooks]]`` that names it."""

    Settings: ClassVar = SubjectSettings

    settings: SubjectSettings
    world: World

    @hookimpl
    async def on_message(self, message: Message) -> Answer:
        """Look at the header section alone: the content need not be read."""
        subjects = [field.unfolded.lower() for field in fields(message.header) if field.name == b"subject"]
        found = [word for word in self.settings.words for subject in subjects if word.lower().encode() in subject]
        if len(found) >= self.settings.most:
            return Refuse(Reply(550, "we do not want to read about this", "5.7.1"))
        return AddFields([("X-Subject-Checked", f"{len(found)} words found")])
