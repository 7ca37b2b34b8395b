"""How a command says that it did not do what it was asked to: what, why, what to try, and an exit status."""

from enum import StrEnum


class Code(StrEnum):
    """What went wrong, for those who look it up. A code never changes its meaning."""

    UNREACHABLE = "SND001"
    """No connection to the server, or none that can be used."""
    NO_ANSWER = "SND002"
    """The connection broke, or the server was silent for too long, before the message was complete."""
    REFUSED = "SND003"
    """The server refused for good."""
    DEFERRED = "SND004"
    """The server refused for now."""
    UNCERTAIN = "SND005"
    """The message was sent as a whole and its acceptance was not heard of (RFC 1047)."""
    UNSENDABLE = "SND006"
    """The message, or an address, is not one that can be sent, or not to this server."""
    NO_RECIPIENT = "SND007"
    """Nobody to send to."""
    UNREADABLE = "SND008"
    """The message cannot be read."""
    NO_SERVER = "SND009"
    """The configuration does not tell where to send."""
    SPOOL = "SRV001"
    """The spool cannot be opened."""
    LISTEN = "SRV002"
    """A listener cannot be opened."""
    CERTIFICATE = "SRV003"
    """A certificate, or what belongs to it, cannot be used."""
    HOOK = "SRV004"
    """A reception hook cannot be used."""
    SOCKET = "SRV006"
    """A socket that the service manager passed cannot be used, or is not wanted."""
    USER = "SRV007"
    """The process cannot become the user that it should run as."""
    OWNER = "SRV008"
    """What is kept belongs to another user."""
    AUDIT = "SRV010"
    """The audit log cannot be written."""
    AUDIT_UNREADABLE = "AUD002"
    """The audit log cannot be read."""
    NO_AUDIT_LOG = "AUD003"
    """There is no audit log where one was looked for."""
    RULES = "SRV011"
    """The rules about the answers of hosts cannot be used."""
    OUT_OF_REACH = "SRV012"
    """The user of a service could not run the program."""
    TRACING = "SRV013"
    """Spans cannot be made."""
    NO_SPOOL = "SPL001"
    """There is no spool where configuration says."""
    SPOOL_UNREADABLE = "SPL002"
    """The spool cannot be looked at."""
    NOT_IN_QUARANTINE = "SPL003"
    """There is no such message in quarantine."""
    RESTORE = "SPL004"
    """The backup cannot be brought back."""
    USERS = "USR001"
    """The file of the users that can log in cannot be read, understood or written."""
    NO_USERS_FILE = "USR002"
    """The configuration does not tell which file that is."""
    USER_EXISTS = "USR003"
    """There is such a user already."""
    NO_USER = "USR004"
    """There is no such user."""
    NO_LOGIN = "USR005"
    """This cannot be a login, or not a password."""
    DOES_NOT_FIT = "USR006"
    """The password is not the one of this user."""
    NOT_CAPTURED = "CAP001"
    """There is no such captured message."""
    AMBIGUOUS = "CAP002"
    """Several captured messages have the name."""
    ARCHIVE = "CAP003"
    """The captured messages cannot be read."""

    UNREACHABLE_DAEMON = "CTL001"
    """There is no daemon where one was looked for."""
    NOT_LET_IN = "CTL002"
    """The control socket, or the file of a token, is closed to this user."""
    STRANGE_ANSWER = "CTL003"
    """What answered is no Empath that this command understands."""
    NAMELESS = "CTL004"
    """There is no token to be known by."""
    NOT_CONFIRMED = "CTL005"
    """Something that changes mail was not confirmed, so nothing was done."""
    NO_TOKENS_FILE = "TOK001"
    """The file of tokens is not named, cannot be understood or cannot be written."""
    NOTHING_CHOSEN = "CTL006"
    """Nothing says what something is to be done to."""
    NO_CODE = "HLP001"
    """There is no such code."""


class Complaint(Exception):
    """Ends a command. `Program` prints it and exits with its status."""

    def __init__(self, code: str, what: str, *, why: str, remedy: str, status: int) -> None:
        """``code`` is a `Code`, or what a daemon has answered; ``status`` is one of ``sysexits.h``."""
        super().__init__(what)
        self.code = code
        self.what = what
        self.why = why
        self.remedy = remedy
        self.status = status

    def __str__(self) -> str:
        """All of it, in the form that faults of the configuration have."""
        return f"error[{self.code}] {self.what}\n   why  {self.why}\n   try  {self.remedy}"

    def as_record(self) -> dict[str, object]:
        """Return what a program needs to know."""
        return {"code": str(self.code), "what": self.what, "why": self.why, "try": self.remedy}
