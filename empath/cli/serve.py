"""``empath serve``: the daemon, in the foreground."""

import logging
import os
import sys
from pathlib import Path

import click
import trio

from empath.app import AuditUnusable, Places, TracingUnusable, Worker
from empath.app.reply_rules import RulesUnusable
from empath.cli.announcement import announcement
from empath.cli.complaint import Code, Complaint
from empath.cli.launch import about_listening, launch
from empath.cli.queue import open_queue
from empath.cli.running import Running, line_formatter, of_process
from empath.cli.settings import config_option, loaded
from empath.config import Loaded, Sources, as_text
from empath.config.schema import Config, QueueBackend
from empath.hooks import HookUnusable
from empath.ingress.logins.users import UsersUnusable
from empath.ops.logbook import JsonFormatter, LineWriter, Logbook, leave_out_what_no_line_shows
from empath.spool.contract import SpoolError, SpoolForbidden, SpoolHeld
from empath.world.errors import CertificateUnusable, DiskError, ListenFailed
from empath.world.prepared import Prepared
from empath.world.resolver import DnsSettings
from empath.world.service import ServiceManager
from empath.world.signals import open_requests
from empath.world.system import open_world

_LOG = logging.getLogger(__name__)

_KEEPS_FROM_STARTING = (
    SpoolError,
    DiskError,
    ListenFailed,
    CertificateUnusable,
    UsersUnusable,
    AuditUnusable,
    HookUnusable,
    RulesUnusable,
    TracingUnusable,
)


@click.command()
@config_option
def serve(config_file: Path | None) -> None:
    """Accept mail and deliver it, until SIGTERM or Ctrl-C.

    Without a configuration this is a sandbox: it listens on loopback only, and keeps all mail on this machine.
    """
    found = loaded(config_file)
    if found.warnings:
        click.echo(as_text(found.warnings), err=True)
    log = LineWriter(sys.stderr)
    logging.basicConfig(handlers=[log])
    leave_out_what_no_line_shows()
    of_process(found.config, log)
    try:
        prepared, manager = launch(found.config, os.environ), ServiceManager.of(os.environ, os.getpid())
        trio.run(_serve, Running(Sources.of_process(file=config_file), found, manager, log), prepared)
    except* _KEEPS_FROM_STARTING as group:
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
            why, remedy = about_listening(problem, config)
        case HookUnusable():
            code, status = Code.HOOK, os.EX_CONFIG
            why = "without it mail would come in that it was there to keep out"
            remedy = "look after smtp.hooks and the package that brings the hook, or take it out of the configuration"
        case RulesUnusable():
            code, status = Code.RULES, os.EX_CONFIG
            why = "delivery.rules_file names it, and failures would be called something else than you meant"
            remedy = "repair it, which `empath config check` helps with, or take the key out"
        case CertificateUnusable():
            code, status = Code.CERTIFICATE, os.EX_CONFIG
            why = "without it nobody can talk to this daemon in the way that the configuration promises"
            remedy = "look after it; smtp.listeners[].starttls, api.tls and delivery.tls.ca_file name such files"
        case TracingUnusable():
            code, status = Code.TRACING, os.EX_CONFIG
            why = "tracing.enabled asks for spans, and nobody would notice that there are none"
            remedy = "pip install 'empath-mta[otel]', or set tracing.enabled = false"
        case UsersUnusable():
            code, status = Code.USERS, os.EX_CONFIG
            why = "nobody could log in"
            remedy = "repair it with `empath user`, and make sure that the user of the daemon may read it"
        case AuditUnusable():
            code, status = Code.AUDIT, os.EX_IOERR
            why = "audit.enabled asks for a record of each message, and nobody would notice that there is none"
            remedy = "make sure that the user of the daemon can write to audit.log_path, or set audit.enabled = false"
        case SpoolError() if config.delivery.queue_backend is QueueBackend.POSTGRES:
            code, status = Code.SPOOL, os.EX_UNAVAILABLE
            why = "all mail is kept in that database before it is answered for"
            remedy = "repair that; delivery.queue_url_file says which server it is"
        case _:
            code, status = Code.SPOOL, os.EX_IOERR
            why = f"all mail is kept below spool.path, {config.spool_path}, before it is answered for"
            remedy = "look after that disk, or set spool.path to a new directory: what lies in the old one stays there"
            if isinstance(problem, DiskError | SpoolForbidden) or isinstance(problem.__cause__, DiskError):
                remedy = "make sure that the user of the daemon can write there, or set spool.path to another directory"
    return Complaint(code, str(problem), why=why, remedy=remedy, status=status)


def dns_settings(config: Config) -> DnsSettings:
    """Return how the resolver of this daemon asks, and whom it believes."""
    dns = config.delivery.dns
    return DnsSettings(
        servers=dns.servers,
        timeout_s=dns.timeout_s,
        max_ttl_s=dns.cache_ttl_s,
        max_entries=dns.cache_entries,
        max_queries=dns.max_queries,
        dnssec=dns.dnssec.enabled,
        trust_ad=dns.trust_ad,
    )


async def _serve(running: Running, prepared: Prepared) -> None:
    found, manager = running.found, running.manager
    config = found.config
    dns = dns_settings(config)
    with open_requests() as requests:
        async with open_world(dns=dns, ca_file=lambda: running.config.delivery.tls.ca_file, prepared=prepared) as world:
            logbook = Logbook(world.clock)
            worker = Worker(
                config=config,
                world=world,
                observe=logbook.observe,
                on_stop=running.tell_end,
                open_spool=open_queue(config),
                reading=running.reading,
            )
            async with trio.open_nursery() as services:
                services.start_soon(manager.keep_watch)
                services.start_soon(logbook.run)
                async with trio.open_nursery() as nursery:
                    places = await nursery.start(worker.run, requests)
                    _announce(found, places)
                    running.tell_ready(f"accepting mail on {' '.join(map(str, places.smtp))}")
                services.cancel_scope.cancel()


def _announce(found: Loaded, places: Places) -> None:
    """Tell people, or if programs read along: the log."""
    lines = announcement(found, places)
    if isinstance(line_formatter(found.config), JsonFormatter):
        for line in lines:
            _LOG.info("%s", line.strip())
    else:
        click.echo("\n".join(lines), err=True)
