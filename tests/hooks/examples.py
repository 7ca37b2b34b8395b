"""Hooks of other people, good and bad."""

from typing import ClassVar

from attrs import define, field, frozen

from empath.config.kinds import TEXT
from empath.config.schema.keys import count, several
from empath.hooks import Answer, Message, Refuse, SessionFacts, hookimpl
from empath.smtp import Mail, Reply
from empath.world import World


@frozen(kw_only=True)
class WordSettings:
    words: tuple[str, ...] = several(TEXT, "which words no subject may hold")
    most: int = count(3, "how many of them are too many")


@define(kw_only=True)
class Words:
    Settings: ClassVar = WordSettings
    settings: WordSettings
    world: World

    @hookimpl
    async def on_mail(self, mail: Mail) -> Answer:
        return None if mail.reverse_path else Refuse(Reply(550, "no reports", "5.7.1"))

    @hookimpl
    async def on_message(self, message: Message) -> Answer:
        return None


@frozen
class NoSettings:
    pass


@define(kw_only=True)
class Plain:
    Settings: ClassVar = NoSettings
    settings: NoSettings
    world: World = field(repr=False)


class UnknownEvent(Plain):
    @hookimpl
    async def on_tea(self, session: SessionFacts) -> Answer:
        return None


class UnknownArgument(Plain):
    @hookimpl
    async def on_mail(self, cup: int) -> Answer:
        return None


class NotAsync(Plain):
    @hookimpl
    def on_mail(self, mail: Mail) -> Answer:
        return None


@define(kw_only=True)
class CannotBeMade(Plain):
    def __attrs_post_init__(self) -> None:
        raise RuntimeError("no tea")


class NoSettingsClass:
    """It is no hook."""
