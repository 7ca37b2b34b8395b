"""What is kept of other domains' TLS, beside all mail: their MTA-STS policies, and the count for reports to them."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

import trio
from attrs import frozen

from empath.config.schema import Config, Mode
from empath.delivery.finding.sts import StsLimits, StsPolicies
from empath.delivery.finding.sts_cache import StsCache
from empath.delivery.telling.courier import Courier
from empath.delivery.telling.daily import Daily
from empath.delivery.telling.day_book import DayBook
from empath.delivery.telling.outbox import Outbox
from empath.delivery.telling.witness import Witness
from empath.spool.contract import Spool
from empath.world.ports import FetchLimits, World

# Below ``spool.path``: policies that were fetched; what was counted, and reports that were not sent yet.
_POLICIES: Final = "mta-sts"
_REPORTS: Final = "tls-reports"
_OUTBOX: Final = "outbox"


@frozen(kw_only=True)
class Upkeep:
    """See the module."""

    sts: StsPolicies | None
    """Whether they are asked for is another question, see ``policies``. None: all mail goes to the sandbox's peer."""
    reports: Daily | None
    """None: nobody is told."""

    @classmethod
    def of(cls, config: Config, world: World, spool: Spool) -> Upkeep:
        """What a worker has of it: nothing, if all its mail goes to the peer of the sandbox."""
        if config.mode is Mode.SANDBOX:
            return cls(sts=None, reports=None)
        return cls(sts=_policies(config, world), reports=_reports(config, world, spool))

    def policies(self, config: Config) -> StsPolicies | None:
        """Those that are obeyed; None: this configuration does not want any."""
        return self.sts if config.delivery.tls.mta_sts else None

    def renew(self, config: Config) -> None:
        """Go on under another configuration. What was fetched is known on."""
        if self.sts is not None:
            self.sts.limits = _limits(config)
            self.sts.cache.max_policies = config.delivery.tls.mta_sts_policies

    @property
    def witness(self) -> Witness | None:
        """Who counts."""
        return None if self.reports is None else Witness(self.reports.book)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Work until cancelled. Starts when mail may go out: what was counted in an earlier life is known."""
        async with trio.open_nursery() as nursery:
            if self.reports is not None:
                await nursery.start(self.reports.run)
            if self.sts is not None:
                nursery.start_soon(self.sts.keep_fresh)
            task_status.started()

    async def save(self) -> None:
        """Write down what was counted. For the end, when nothing more is."""
        if self.reports is not None:
            await self.reports.book.save()


def _policies(config: Config, world: World) -> StsPolicies:
    directory = PurePath(config.spool_path) / _POLICIES
    cache = StsCache(world.disk, world.clock, directory, max_policies=config.delivery.tls.mta_sts_policies)
    return StsPolicies(world.resolver, world.fetch, world.clock, cache, _limits(config))


def _limits(config: Config) -> StsLimits:
    settings = config.delivery.tls
    return StsLimits(
        wanted=settings.mta_sts,
        fetch=FetchLimits(timeout_s=settings.mta_sts_timeout_s, size_bytes=settings.mta_sts_max_size_bytes),
        retry_s=settings.mta_sts_retry_s,
        max_failures=settings.mta_sts_policies,
        refresh_s=settings.mta_sts_refresh_s,
    )


def _reports(config: Config, world: World, spool: Spool) -> Daily | None:
    settings, contact = config.delivery.tls.report, config.delivery.tls.report.contact
    if contact is None or contact.domain is None:
        return None
    directory = PurePath(config.spool_path) / _REPORTS
    outbox = Outbox(world.disk, directory / _OUTBOX)
    organization = contact.domain.ascii
    courier = Courier(
        outbox=outbox,
        spool=spool,
        fetch=world.fetch,
        clock=world.clock,
        entropy=world.entropy,
        contact=contact,
        submitter=organization,
        hostname=config.hostname.ascii,
        limits=FetchLimits(timeout_s=settings.timeout_s),
        retry_s=settings.retry_s,
    )
    return Daily(
        book=DayBook(world.disk, world.clock, directory, max_results=settings.max_results),
        outbox=outbox,
        courier=courier,
        resolver=world.resolver,
        clock=world.clock,
        entropy=world.entropy,
        contact=str(contact),
        organization=organization,
        save_interval_s=settings.save_interval_s,
        max_delay_s=settings.max_delay_s,
        retry_s=settings.retry_s,
    )
