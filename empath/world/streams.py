"""Connections over plain non-blocking sockets.

`trio.SocketStream` is correct and costs two layers of coroutines and a checkpoint for every receive and send; a mail
server that answers one line at a time spends more on those than on SMTP. Here the system call is tried first, and
Trio's selector is asked only when it would block: a round trip over loopback costs both ends together 23 microseconds
instead of 31, of which the kernel and Trio's scheduler take 19 whatever one does.

What a checkpoint would have done is kept. A cancelled task is stopped before every call, by a test that costs a third
of a microsecond (`trio.lowlevel.checkpoint_if_cancelled`). Fairness is kept by counting: after ``burst`` calls in a row
that did not have to wait, the next one yields first, so a peer that is always ready delays the others by at most
``burst`` system calls of 64 KiB. With ``burst=1`` every call yields, which is Trio's own rule; `trio.testing` insists
on it, so the contract tests run with it.
"""

from __future__ import annotations

import errno
import operator
import socket
import struct
from typing import TYPE_CHECKING

import trio
from attrs import define, field
from typing_extensions import override

from empath.world.endpoint import PeerCredentials
from empath.world.errors import ConnectionLost
from empath.world.ports import Connection

if TYPE_CHECKING:
    from empath.world.endpoint import Endpoint

RECEIVE_BYTES = 64 * 1024
"""The most that one call receives. Above 128 KiB the allocator maps and unmaps memory for every call."""

BURST = 16
"""Calls in a row without yielding. At 20 to 60 microseconds for the work that follows each, about a millisecond."""


_PEER = struct.Struct("iII")
"""unix(7): struct ucred."""
_GROUP = struct.Struct("I")
_SO_PEERGROUPS = 59
"""socket(7) of Linux 4.13 and newer; Python has no name for it."""
_MAX_GROUPS = 256
"""As many as Python has room for in an option."""


@define(eq=False, slots=True)
class Turns:
    """Decides before which calls a connection lets other tasks run."""

    burst: int
    _left: int = field(init=False, default=0)

    async def take(self) -> None:
        """Stop here if the task is cancelled, and yield if it is time to."""
        if self._left:
            self._left -= 1
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            self.renew()
            await trio.lowlevel.checkpoint()

    def renew(self) -> None:
        """Note that the task has just waited: others have run."""
        self._left = self.burst - 1


@define(eq=False, slots=True)
class SocketConnection(Connection):
    """A connected stream socket, TCP or Unix, which must be in non-blocking mode. It owns the socket."""

    _socket: socket.socket
    local: Endpoint = field(kw_only=True)
    remote: Endpoint = field(kw_only=True)
    _turns: Turns = field(kw_only=True, factory=lambda: Turns(BURST))
    _sending: bool = field(init=False, default=False)
    _eof_sent: bool = field(init=False, default=False)

    @override
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what is there, at least one byte, or nothing at the end of the stream."""
        size = RECEIVE_BYTES if max_bytes is None else operator.index(max_bytes)
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        await self._turns.take()
        while True:
            try:
                return self._socket.recv(size)
            except BlockingIOError:
                pass  # the loop waits outside of the handler, so that a cancellation carries no other error along
            except OSError as error:
                raise lost(error) from error
            await trio.lowlevel.wait_readable(self._socket)
            self._turns.renew()

    @override
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand everything to the system, waiting while its buffer is full."""
        self._start_sending()
        try:
            await self._turns.take()
            if not data:
                self._check_open()
            while data:
                try:
                    sent = self._socket.send(data)
                except BlockingIOError:
                    await trio.lowlevel.wait_writable(self._socket)
                    self._turns.renew()
                else:
                    if sent == len(data):
                        return
                    data = memoryview(data)[sent:]
        except OSError as error:
            raise lost(error) from error
        finally:
            self._sending = False

    @override
    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the system's buffer has room."""
        self._start_sending()
        try:
            self._check_open()
            await trio.lowlevel.wait_writable(self._socket)
        finally:
            self._sending = False

    @override
    async def send_eof(self) -> None:
        """Say that nothing more will be sent; receiving goes on."""
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        await trio.lowlevel.checkpoint()
        if self._eof_sent:
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise lost(error) from error
        self._eof_sent = True

    @override
    def close(self) -> None:
        """Close at once; tasks that wait on the connection get `trio.ClosedResourceError`."""
        if self._socket.fileno() != -1:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()

    @override
    def has_news(self) -> bool:
        """Look without taking."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    @override
    def credentials(self) -> PeerCredentials | None:
        """Ask the kernel."""
        if self._socket.family != socket.AF_UNIX:
            return None
        size = _PEER.size
        pid, user, group = _PEER.unpack(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        try:
            octets = self._socket.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MAX_GROUPS * _GROUP.size)
        except OSError:  # more groups than fit, or a kernel that does not tell
            octets = b""
        groups = frozenset(one for (one,) in _GROUP.iter_unpack(octets))
        return PeerCredentials(pid=pid, user=user, groups=groups | {group})

    @override
    async def aclose(self) -> None:
        """Close. The system goes on sending what it has taken."""
        self.close()
        await trio.lowlevel.checkpoint()

    def _start_sending(self) -> None:
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        if self._eof_sent:
            raise trio.ClosedResourceError("the end of the stream has been sent")
        self._sending = True

    def _check_open(self) -> None:
        if self._socket.fileno() == -1:
            raise trio.ClosedResourceError("this connection was closed")


def lost(error: OSError) -> ConnectionLost | trio.ClosedResourceError:
    """Return what to raise for an error of a stream socket."""
    if error.errno == errno.EBADF:
        return trio.ClosedResourceError("this connection was closed")
    return ConnectionLost(error.strerror or str(error))
