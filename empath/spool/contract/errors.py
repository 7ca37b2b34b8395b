"""What a spool says when it cannot do what it was asked."""

from empath.mail.failure import EmpathError


class SpoolError(EmpathError):
    """The store cannot keep its promises now: nothing was accepted or recorded. Ours to answer for, never a peer's."""


class SpoolFull(SpoolError):
    """There is no room for the message. It may be offered again later."""


class SpoolDamaged(SpoolError):
    """A message is not what was accepted, and never will be by itself."""


class SpoolForbidden(SpoolError):
    """It is there, and our user may not write it."""


class SpoolHeld(SpoolError):
    """Another daemon has this spool open."""
