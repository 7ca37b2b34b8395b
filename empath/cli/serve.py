"""``empath serve``: the daemon, in the foreground."""

import logging
import os
import sys
from functools import partial
from pathlib import Path

import click
import trio

from empath.app import Worker
from empath.cli.complaint import Code, Complaint
from empath.cli.settings import config_option, configuration
from empath.config.schema import Config, Mode
from empath.ops.log import log_fact
from empath.spool.contract import SpoolError
from empath.spool.sqlite import open_database
from empath.world.endpoint import Endpoint
from empath.world.errors import ListenFailed
from empath.world.resolver import DnsSettings
from empath.world.signals import open_requests
from empath.world.system import open_world


@click.command()
@config_option
def serve(config_file: Path | None) -> None:
    """Accept mail and deliver it, until SIGTERM or Ctrl-C."""
    config = configuration(config_file)
    logging.basicConfig(
        level=config.log.level.value.upper(), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    try:
        trio.run(_serve, config)
    except* SpoolError as group:
        raise _complain(Code.SPOOL, group, "see who holds it, or give this one a spool.path of its own") from None
    except* ListenFailed as group:
        raise _complain(Code.LISTEN, group, "stop what listens there, or change smtp.listeners[].listen_addr") from None


def _complain(code: Code, group: BaseExceptionGroup, remedy: str) -> Complaint:
    problem: BaseException = group
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return Complaint(code, "cannot start", why=str(problem), remedy=remedy, status=os.EX_UNAVAILABLE)


async def _serve(config: Config) -> None:
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
                open_store=partial(open_database, str(queue / "queue.sqlite3")),
            )
            async with trio.open_nursery() as nursery:
                _announce(config, await nursery.start(worker.run, requests))


def _announce(config: Config, endpoints: list[Endpoint]) -> None:
    smtp = " ".join(str(endpoint) for endpoint in endpoints)
    mode = "SANDBOX: mail is captured here, nothing leaves this machine" if config.mode is Mode.SANDBOX else "live"
    click.echo(f"empath {config.hostname} {mode}\n  smtp {smtp}   spool {config.spool_path}", err=True)
