"""The nursery tree of one worker.

::

    SERVICES .......... a crash of any child ends the worker: memory never holds the only copy
    |- signals          begin the shutdown, or hasten it
    |- capture          the peer of the sandbox
    |- watch            metrics, health, audit log: begun again if they fail, since mail does not depend on them
    |- caretaker        removes from the spool what was kept long enough, and lists what waits
    `- STORE .......... the committer: outlives all work
       `- drain ....... its deadline is set by the shutdown
          `- WORK
             |- intake ..... ends at once: listeners, dispatcher
             |- sessions ... one task each
             `- lanes ...... one task each while they have work, with their senders

Nesting is order: what is inside may use what is outside, and has ended before it ends.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from math import inf
from pathlib import PurePath

import trio
from attrs import Factory, field, frozen

from empath.app.assembly import Assembly
from empath.app.caretaking import Caretaker, retention
from empath.app.encryption import Encryption
from empath.app.operators import Operators
from empath.app.reload import Reading, Reloader
from empath.app.shutdown import Shutdown
from empath.app.watch import Watch, Watchmaker
from empath.capture import DIRECTORY, Archive, Caps
from empath.capture import serve as serve_capture
from empath.config.schema import Config, Mode
from empath.delivery.recording.closing import Observe
from empath.ingress.listener import Intake
from empath.mail.way_facts import NameLookedUp
from empath.ops.api import Scope
from empath.spool.contract import Spool
from empath.spool.open import OpenSpool
from empath.world.dns_watch import Lookup
from empath.world.endpoint import MAX_PORT, Endpoint, TcpEndpoint
from empath.world.errors import ListenFailed
from empath.world.free_space import FreeSpace
from empath.world.ports import Listener, World
from empath.world.signals import Request

_LOG = logging.getLogger(__name__)

_SANDBOX_PORTS = 100
"""How many further ports the sandbox tries."""


@frozen
class Places:
    """What is listened on."""

    smtp: list[Endpoint]
    """In the order of the configuration."""
    sections: Mapping[str, Endpoint]
    """``metrics``, ``health`` and ``api``, as far as they are enabled."""
    login_code: str | None = None
    """With which one browser can log in, once. The sandbox has one; None: `empathctl login-code` makes some."""
    https: frozenset[str] = frozenset()
    """The sections that are served over TLS."""
    recovered: int = 0
    """Messages that were in the spool already."""


@frozen(kw_only=True)
class Worker:
    """One worker, before it runs."""

    config: Config
    world: World
    observe: Observe
    open_spool: OpenSpool
    reading: Reading = field(default=Factory(lambda worker: Reading.once(worker.config), takes_self=True))
    """How the configuration is read again."""
    on_stop: Callable[[], None] = field(default=lambda: None)
    """Called when the end begins, and again when it is hastened."""

    async def run(
        self,
        requests: AsyncIterator[Request],
        *,
        task_status: trio.TaskStatus[Places] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run until a request to stop is carried out. Starts with the places that are listened on.

        Raises SpoolError, ListenFailed, AuditUnusable, CertificateUnusable, UsersUnusable and TracingUnusable, before
        it has started.
        """
        shutdown = Shutdown(self.config.shutdown.grace_s)
        holder = f"empath (pid {os.getpid()})"
        path = PurePath(self.config.spool_path)
        async with (
            trio.open_nursery() as services,
            self.open_spool(self.world, path, holder=holder) as spool,
        ):
            capture = await services.start(self._capture) if self.config.mode is Mode.SANDBOX else None
            free_space = FreeSpace(
                disk=self.world.disk,
                directories=(path, *self.config.queue_directories),
                min_free_bytes=self.config.spool.min_free_bytes,
            )
            encryption = Encryption(self.config.smtp.tls, self.world)
            watch = await self._watch(spool, shutdown, free_space, encryption)
            assembly = Assembly(
                config=self.config,
                world=self.world,
                spool=spool,
                shutdown=shutdown,
                observe=watch.observe,
                capture=capture,
                free_space=free_space,
                encryption=encryption,
            )
            self.world.resolver.watch.tell = partial(self._tell_of_lookup, watch.observe)
            recovered = (await spool.statistics()).messages
            watch.look_at(assembly, recovered=recovered)
            assembly.sending.control.reroute = assembly.reroute
            await assembly.sending.control.load()
            listeners = await self._listen(assembly)
            reloader = Reloader(assembly=assembly, reading=self.reading, observe=watch.observe)
            operators = Operators(assembly=assembly, watch=watch, reloader=reloader, stop=partial(self._stop, shutdown))
            code = await self._let_operators_in(operators, listeners)
            services.start_soon(self._obey, requests, shutdown, reloader)
            watch.keep("the watch on the configuration", reloader.watch)
            services.start_soon(watch.run)
            places = [listener.endpoint for listener, _ in listeners]
            task_status.started(Places(places, watch.sections, code, watch.https, recovered))
            async with trio.open_nursery() as care:
                care.start_soon(Caretaker(spool, self.world.clock, lambda: retention(assembly.config)).run)
                with shutdown.drain:
                    async with trio.open_nursery() as work:
                        work.start_soon(self._take_in, assembly, listeners, work)
                await assembly.upkeep.save()
                care.cancel_scope.cancel()
            services.cancel_scope.cancel()

    async def _let_operators_in(self, operators: Operators, listeners: list[tuple[Listener, Intake]]) -> str | None:
        """Have the API answered, if it is to be. Returns a code for the sandbox's dashboard."""
        if not self.config.api.enabled:
            return None
        access = await operators.open([str(listener.endpoint) for listener, _ in listeners])
        if self.config.mode is not Mode.SANDBOX:
            return None
        return access.passes.code("sandbox", frozenset(Scope) - {Scope.ADMIN}, for_s=inf)

    def _tell_of_lookup(self, observe: Observe, lookup: Lookup) -> None:
        observe(
            NameLookedUp(
                at=self.world.clock.now(),
                kind=lookup.kind,
                result=lookup.result,
                security=None if lookup.security is None else lookup.security.name.lower(),
                took_s=lookup.took_s,
            )
        )

    async def _take_in(self, assembly: Assembly, listeners: list[tuple[Listener, Intake]], work: trio.Nursery) -> None:
        """Bring work in until the shutdown begins; then see to it that what is under way comes to its end."""
        dispatcher, control = assembly.sending.dispatcher, assembly.sending.control
        with assembly.shutdown.intake:
            async with trio.open_nursery() as intake:
                for listener, sessions in listeners:
                    intake.start_soon(sessions.run, listener, work)
                intake.start_soon(assembly.encryption.watch)
                intake.start_soon(assembly.logins.watch)
                await intake.start(assembly.upkeep.run)
                intake.start_soon(control.run)
                intake.start_soon(dispatcher.run, work)
        for _, sessions in listeners:
            sessions.drain()
        await dispatcher.drain()

    async def _watch(self, spool: Spool, shutdown: Shutdown, free_space: FreeSpace, encryption: Encryption) -> Watch:
        maker = Watchmaker(
            config=self.config,
            world=self.world,
            spool=spool,
            shutdown=shutdown,
            observe=self.observe,
            open_listener=self._open,
            free_space=free_space,
            certificates=lambda: encryption.certificates,
        )
        return await maker.make()

    async def _listen(self, assembly: Assembly) -> list[tuple[Listener, Intake]]:
        admission = assembly.admission()
        listeners = self.config.smtp.listeners
        intakes = [(one.listen_addr, assembly.intake(place, admission)) for place, one in enumerate(listeners)]
        await assembly.logins.load()
        return [(await self._open(address), intake) for address, intake in intakes]

    async def _open(self, endpoint: TcpEndpoint) -> Listener:
        """Listen. The sandbox moves on from a port that is taken: it is there to be tried out, and says where it is."""
        spare = _SANDBOX_PORTS if self.config.mode is Mode.SANDBOX and endpoint.port else 0
        last = min(endpoint.port + spare, MAX_PORT)
        for port in range(endpoint.port, last):
            try:
                return await self.world.network.listen(TcpEndpoint(endpoint.host, port))
            except ListenFailed as problem:
                if not problem.taken:
                    raise
                _LOG.warning("%s; trying port %d", problem, port + 1)
        return await self.world.network.listen(TcpEndpoint(endpoint.host, last))

    # The peer itself says when it has started.
    async def _capture(self, *, task_status: trio.TaskStatus[Endpoint]) -> None:  # noqa: ASYNC128
        directory = PurePath(self.config.spool_path) / DIRECTORY
        settings = self.config.capture
        caps = Caps(messages=settings.max_messages, size_bytes=settings.max_size_bytes)
        archive = await Archive.open(self.world.disk, self.world.clock, directory, caps=caps)
        await serve_capture(
            self.world.network,
            TcpEndpoint("127.0.0.1", 0),
            archive=archive,
            max_sessions=settings.max_connections,
            task_status=task_status,
        )

    async def _obey(self, requests: AsyncIterator[Request], shutdown: Shutdown, reloader: Reloader) -> None:
        async with trio.open_nursery() as reloads:
            async for request in requests:
                if request is Request.STOP:
                    self._stop(shutdown)
                else:
                    reloads.start_soon(reloader.obey, "signal")

    def _stop(self, shutdown: Shutdown) -> None:
        shutdown.ask()
        self.on_stop()
