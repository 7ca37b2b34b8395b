"""The seven events of a session at which a hook may be asked. This class is the specification, nobody makes one.

A hook has the methods it needs, with the names and arguments that stand here, and the mark ``hookimpl``. An argument
that it does not need may be left out. All are coroutine functions.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import pluggy

from empath.hooks.answers import Answer
from empath.hooks.values import Message, SessionFacts
from empath.smtp import Mail, Rcpt

PROJECT: Final = "empath"
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Marks a method as the answer of a hook to the event of its name."""
_hookspec: Final = pluggy.HookspecMarker(PROJECT)


class Event(Enum):
    """When a hook may be asked."""

    CONNECT = "on_connect"
    EHLO = "on_ehlo"
    AUTH = "on_auth"
    MAIL = "on_mail"
    RCPT = "on_rcpt"
    DATA_BEGIN = "on_data_begin"
    MESSAGE = "on_message"

    __hash__ = object.__hash__


class Events:
    """The interface. Each event comes when Empath itself has no objection, so a hook can refuse and never allow."""

    @_hookspec
    async def on_connect(self, session: SessionFacts) -> Answer:
        """A client has connected, and has not been greeted. A refusal takes the place of the greeting."""

    @_hookspec
    async def on_ehlo(self, session: SessionFacts) -> Answer:
        """The client has introduced itself, by EHLO or HELO."""

    @_hookspec
    async def on_auth(self, session: SessionFacts) -> Answer:
        """The client has proved to be ``session.login``. After a refusal it counts as not authenticated."""

    @_hookspec
    async def on_mail(self, session: SessionFacts, mail: Mail) -> Answer:
        """A transaction begins."""

    @_hookspec
    async def on_rcpt(self, session: SessionFacts, mail: Mail, rcpt: Rcpt) -> Answer:
        """A recipient was named. A refusal is for this one alone."""

    @_hookspec
    async def on_data_begin(self, session: SessionFacts, mail: Mail) -> Answer:
        """The content is about to come, by DATA or by the first BDAT. The chunks of a refused BDAT are thrown away."""

    @_hookspec
    async def on_message(self, session: SessionFacts, message: Message) -> Answer:
        """The content is complete, and nothing has been promised. The one event that takes ``AddFields``."""
