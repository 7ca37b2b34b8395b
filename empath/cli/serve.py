"""``empath serve``: the daemon, in the foreground."""

import logging
import os
import sys
from functools import partial
from pathlib import Path

import click
import trio

from empath.app import Worker
from empath.capture import DIRECTORY
from empath.cli.complaint import Code, Complaint
from empath.cli.settings import config_option, loaded
from empath.config import Loaded, as_text, dotted
from empath.config.schema import Config, Mode
from empath.ops.log import log_fact
from empath.spool.contract import SpoolError, SpoolHeld
from empath.spool.open import LOCK
from empath.spool.sqlite import open_database
from empath.world.endpoint import Endpoint
from empath.world.errors import CertificateUnusable, DiskError, ListenFailed
from empath.world.resolver import DnsSettings
from empath.world.service import READY, notify
from empath.world.signals import open_requests
from empath.world.system import open_world


@click.command()
@config_option
def serve(config_file: Path | None) -> None:
    """Accept mail and deliver it, until SIGTERM or Ctrl-C.

    Without a configuration this is a sandbox: it listens on loopback only, and keeps all mail on this machine.
    """
    found = loaded(config_file)
    if found.warnings:
        click.echo(as_text(found.warnings), err=True)
    logging.basicConfig(
        level=found.config.log.level.value.upper(), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    try:
        trio.run(_serve, found)
    except* (SpoolError, DiskError, ListenFailed, CertificateUnusable) as group:
        raise _complaint(_first(group), found.config) from None


def _first(problem: BaseException) -> BaseException:
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _complaint(problem: BaseException, config: Config) -> Complaint:
    """Say why the daemon could not start, and which key has to do with it."""
    match problem:
        case SpoolHeld():
            code, status = Code.SPOOL, os.EX_UNAVAILABLE
            why = "two daemons on one spool would send every message twice"
            remedy = "stop that one, or set spool.path to a directory that no other daemon has"
        case ListenFailed():
            code, status = Code.LISTEN, os.EX_UNAVAILABLE
            why, remedy = _about_listening(problem, config)
        case CertificateUnusable():
            code, status = Code.CERTIFICATE, os.EX_CONFIG
            why = "without it nobody can talk to this daemon in the way that the configuration promises"
            remedy = "check the files under smtp.listeners[].starttls and delivery.tls.ca_file"
        case _:
            code, status = Code.SPOOL, os.EX_IOERR
            why = f"all mail is kept below spool.path, {config.spool_path}, before it is answered for"
            remedy = "look after that disk, or set spool.path to a new directory: what lies in the old one stays there"
            if isinstance(problem, DiskError) or isinstance(problem.__cause__, DiskError):
                remedy = "make sure that the user of the daemon can write there, or set spool.path to another directory"
    return Complaint(code, str(problem), why=why, remedy=remedy, status=status)


def _about_listening(problem: ListenFailed, config: Config) -> tuple[str, str]:
    wanted: list[Endpoint] = [listener.listen_addr for listener in config.smtp.listeners]
    number = wanted.index(problem.endpoint) if problem.endpoint in wanted else 0  # the sandbox moves on from the first
    key = dotted(("smtp", "listeners", number, "listen_addr"))
    why = f"{key} asks for it, and a daemon that listens in half of the places would go unnoticed"
    if isinstance(problem.__cause__, PermissionError):
        return why, f"run it with CAP_NET_BIND_SERVICE, which ports below 1024 need, or change {key}"
    return why, f"stop what listens there, or change {key}" if problem.taken else f"change {key}"


async def _serve(found: Loaded) -> None:
    config = found.config
    dns = config.delivery.dns
    settings = DnsSettings(servers=dns.servers, timeout_s=dns.timeout_s, max_ttl_s=dns.cache_ttl_s)
    queue = Path(config.queue_path)
    with open_requests() as requests:
        async with open_world(dns=settings, ca_file=config.delivery.tls.ca_file) as world:
            await world.disk.make_directory(queue)
            worker = Worker(
                config=config,
                world=world,
                observe=log_fact,
                open_store=partial(open_database, str(queue / "queue.sqlite3"), mode_of=str(config.spool_path / LOCK)),
            )
            async with trio.open_nursery() as nursery:
                _announce(found, await nursery.start(worker.run, requests))
                notify(READY, os.environ)


def _announce(found: Loaded, endpoints: list[Endpoint]) -> None:
    """Tell who we are, where mail goes, and where everything is; in the sandbox also what to do next."""
    config = found.config
    lines = [
        f"empath {config.hostname}: {_where_mail_goes(config)}",
        f"  smtp {' '.join(map(str, endpoints))}   spool {config.spool_path}",
        f"  configuration {' '.join(map(str, found.files)) or 'none: all keys have their defaults'}",
    ]
    if config.mode is Mode.SANDBOX and endpoints:
        moved = str(endpoints[0]) != str(config.smtp.listeners[0].listen_addr)
        lines += [
            f"  captured mail {config.spool_path / DIRECTORY}",
            f"  try  empath send {f'--server {endpoints[0]} ' if moved else ''}--to ann@example.org",
            "       empath captured list",
        ]
    click.echo("\n".join(lines), err=True)


def _where_mail_goes(config: Config) -> str:
    if config.delivery.frozen:
        return "FROZEN, mail is accepted and kept, and none goes out (delivery.frozen)"
    if config.mode is Mode.SANDBOX:
        return "SANDBOX, mail is captured here, nothing leaves this machine"
    host = config.delivery.smart_host
    return f"live, mail goes to {host} (delivery.smart_host)" if host else "live, mail goes to the hosts that DNS names"
