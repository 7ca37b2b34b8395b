"""Reception hooks: code that may refuse what Empath would accept, and say something about a message on top of it.

A *hook* is an object with a coroutine method for each *event* at which it wants to be asked: `Events` lists them.
``hookimpl`` marks these methods. What a method is shown are values (``SessionFacts``, ``Message``, and the commands of
`empath.smtp`); what it answers is one of three things:

- ``None``: go on. Empath asks only when it would accept, so a hook cannot let in what relay policy keeps out.
- ``Refuse(Reply(550, "no", "5.7.1"))``: the client hears this, and no further hook is asked.
- ``AddFields([("X-Checked", "yes")])``, for ``on_message`` only: header fields for the top of the message.

A package brings hooks by entry points of the group ``empath.hooks``, each leading to a class::

    @frozen(kw_only=True)
    class GuestSettings:
        domains: tuple[str, ...] = several(TEXT, "whose mail is marked")

    @define(kw_only=True)
    class Guests:
        Settings = GuestSettings
        settings: GuestSettings
        world: World

        @hookimpl
        async def on_message(self, message: Message) -> Answer:
            sender = message.envelope.reverse_path
            if sender is None or sender.domain is None or sender.domain.ascii not in self.settings.domains:
                return None
            return AddFields([("X-Guest", sender.domain.ascii)])

``Settings`` is a frozen attrs class of keys, declared as in `empath.config.schema.keys`; the configuration is checked
against it. ``world`` holds the seven doors of `empath.world.ports`: whoever uses them, and Trio's time, can be tested
in a simulation, and does not block the daemon.

What is promised to a hook: calls for one event come one after the other in the order of the configuration; calls for
different sessions overlap, up to ``max_concurrent``. What a hook must do in return: await whatever takes time, and let
go when it is cancelled, be it by its deadline, by the end of the session, or by the end of the daemon. `guard` says
what happens to one that does not.

The table of a session and its hooks::

    connection -> on_connect -> 220 -> EHLO -> on_ehlo -> AUTH -> on_auth
               -> MAIL -> on_mail -> RCPT -> on_rcpt (each) -> DATA, BDAT -> on_data_begin
               -> content -> on_message -> commit -> 250

RFC 5321 (3.1, 3.8, 4.2: which replies refuse), RFC 3463 (enhanced codes), RFC 5322 2.2 (fields), RFC 5782 (DNS lists).

Why no answer "accept and throw away": a message that was answered 250 is delivered or reported on, by whomever it was
judged. Why no changes to recipients and content: aliases are policy, and content goes on octet by octet, or signatures
break. Why a call cannot be forced to end: there is one thread, and a coroutine in it gives way or does not.
"""

from empath.hooks.answers import AddFields, Answer, Refuse
from empath.hooks.chain import NO_HOOKS, Chain, Said
from empath.hooks.events import Event, Events, hookimpl
from empath.hooks.plugged import HookUnusable, Plugged, chain_for, plug
from empath.hooks.values import Message, SessionFacts

__all__ = [
    "NO_HOOKS",
    "AddFields",
    "Answer",
    "Chain",
    "Event",
    "Events",
    "HookUnusable",
    "Message",
    "Plugged",
    "Refuse",
    "Said",
    "SessionFacts",
    "chain_for",
    "hookimpl",
    "plug",
]
