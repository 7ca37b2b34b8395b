"""Checks of logging in: what it needs, and what says nothing without it."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.schema import ListenerAuth, ListenerTls, Profile


def authentication(subject: Subject) -> Iterator[Finding]:
    """Passwords in clear, logins without users, and users or senders without logins."""
    for index, listener in enumerate(subject.config.smtp.listeners):
        key: KeyPath = ("smtp", "listeners", index)
        auth, file, tls = (*key, "auth"), (*key, "users_file"), (*key, "tls")
        offered = listener.auth is not ListenerAuth.NONE
        if offered and listener.tls is ListenerTls.NONE:
            what, why = f'= "{listener.auth.value}" with tls = "none"', "everybody on the way could read the passwords"
            remedy = 'set tls = "starttls" or "implicit", with a certificate'
            yield Finding(code=Code.UNSAFE, about=(auth, tls), what=what, why=why, remedy=remedy)
        if offered and listener.users_file is None:
            what, why = f'not set, and auth = "{listener.auth.value}" needs it', "nobody could log in"
            remedy = 'set users_file = "/etc/empath/users", and fill it with `empath user add`'
            yield Finding(code=Code.MISSING, about=(file, auth), what=what, why=why, remedy=remedy)
        if listener.profile is Profile.MX and listener.auth is ListenerAuth.REQUIRED:
            what, why = '= "required" with profile = "mx"', "other hosts do not log in, so none could bring mail"
            remedy = 'set profile = "submission", or auth = "none"'
            yield Finding(code=Code.CONTRADICTION, about=(auth, (*key, "profile")), what=what, why=why, remedy=remedy)
        if not offered and listener.users_file is not None:
            what, why = 'set, and auth = "none"', "nobody can log in to this listener"
            remedy = 'set auth = "required" or "optional", or leave the file out'
            yield Finding(code=Code.CONTRADICTION, about=(file, auth), what=what, why=why, remedy=remedy)
    yield from _senders_without_logins(subject)


def _senders_without_logins(subject: Subject) -> Iterator[Finding]:
    config = subject.config
    if config.relay.sender_logins and all(one.auth is ListenerAuth.NONE for one in config.smtp.listeners):
        yield Finding(
            code=Code.NO_EFFECT,
            about=(("relay", "sender_logins"),),
            what="nobody can log in",
            why="it is about clients that have logged in; others may use any sender that they may use without it",
            remedy='set auth = "required" for a listener',
            is_error=False,
        )
