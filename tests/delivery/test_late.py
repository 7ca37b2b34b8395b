"""What waits in a lane for a limit is told of, and given up, at its moment: as if it waited for anything else."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, DomainSettings, DsnSettings, Period, Rate, RateLimitSettings
from empath.mail import DeliveryEnded, Status
from empath.mail.facts import ReportMade
from empath.mail.notice import Action
from empath.smtp import Domain
from tests.delivery.stage import Stage, stage

HOUR_S = 3600.0
SLOWLY = Rate(1, Period.HOUR)
SETTINGS = DeliverySettings(
    max_age_s=4.5 * HOUR_S, dsn=DsnSettings(delay_warning_after_s=2.5 * HOUR_S, rate_limit=Rate(10_000, Period.MINUTE))
)
LIMITS = {
    "of the domain": evolve(SETTINGS, domains={Domain.parse("example.org"): DomainSettings(rate_limit=SLOWLY)}),
    "of all": evolve(SETTINGS, rate_limits=RateLimitSettings(default=SLOWLY)),
    "of each user": evolve(SETTINGS, rate_limits=RateLimitSettings(per_sender=SLOWLY)),
    "of connections": evolve(
        SETTINGS,
        domains={Domain.parse("example.org"): DomainSettings(connection_rate=SLOWLY)},
        max_messages_per_connection=1,
    ),
}


def told(place: Stage, action: Action) -> list[str]:
    """Of whom senders heard that, each as often as they did."""
    return [str(one) for fact in place.said(ReportMade) for one, what in fact.about if what is action]


@pytest.mark.parametrize("limit", LIMITS)
async def test_what_waits_for_a_limit_is_told_of_late_and_given_up_at_its_time(
    autojump_clock: MockClock, limit: str
) -> None:
    async with stage(LIMITS[limit]) as place:
        await place.server("client.example")
        site = await place.server("example.org")
        for _ in range(20):
            await place.put("b@example.org", user="ann")
        await trio.sleep(2.5 * HOUR_S - 60)
        assert told(place, Action.DELAYED) == []
        await trio.sleep(120)
        late = told(place, Action.DELAYED)
        assert len(late) == len({*late}) == 20 - len(site.taken) > 15
        await trio.sleep(2 * HOUR_S - 120)
        assert told(place, Action.FAILED) == []
        await trio.sleep(120)
        assert len(told(place, Action.FAILED)) == 20 - len(site.taken) > 10
        assert told(place, Action.DELAYED) == late
        assert {fact.status for fact in place.said(DeliveryEnded)} == {Status.COMPLETED, Status.EXPIRED}
