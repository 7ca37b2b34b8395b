"""A time limit for something that is done with a host, and one name for all that can go wrong meanwhile."""

from __future__ import annotations

from types import TracebackType

import trio

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import Failure, SystemFailure, SystemKind, failure_of
from empath.smtp import RemoteProtocolError
from empath.world.errors import ConnectFailed, ConnectionLost, LocalNetworkFault, TlsFailed


class within:  # noqa: N801  it reads as a word of the sentence: with within(30, Phase.MAIL, host)
    """Do something with ``host`` in so much time, and turn all that can go wrong into a Failure.

    A class and no generator, since every message passes several of these.
    """

    __slots__ = ("_host", "_phase", "_scope", "_seconds", "_until")

    def __init__(self, seconds: float, phase: Phase, host: str) -> None:
        """The time begins when the block does."""
        self._seconds = seconds
        self._phase = phase
        self._host = host
        self._scope = trio.CancelScope()
        self._until = 0.0

    def __enter__(self) -> trio.CancelScope:
        """Begin."""
        self._scope.deadline = self._until = trio.current_time() + self._seconds
        return self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a Failure or SystemFailure is raised here."""
        self._scope.__exit__(kind, problem, trace)
        if self._scope.cancelled_caught:
            stopped = trio.current_time() < self._until  # by the end of the daemon, before the time was over
            text = "stopped while its answer was awaited" if stopped else f"no answer within {self._seconds:g} s"
            raise self._failure(Kind.TIMEOUT, text)
        match problem:
            case None:
                return
            case ConnectFailed():
                raise self._failure(Kind.CONNECT, problem.reason) from problem
            case ConnectionLost():
                raise self._failure(Kind.CONNECTION_LOST, str(problem)) from problem
            case TlsFailed():
                trouble = Kind.TLS_UNTRUSTED if problem.untrusted else Kind.TLS_FAILED
                raise self._failure(trouble, problem.reason) from problem
            case RemoteProtocolError():
                raise self._failure(Kind.PROTOCOL, str(problem)) from problem
            case LocalNetworkFault():
                raise SystemFailure(SystemKind.OVERLOAD, str(problem)) from problem

    def _failure(self, kind: Kind, text: str) -> Failure:
        return failure_of(Diagnosis(kind=kind, phase=self._phase, host=self._host, text=text))
