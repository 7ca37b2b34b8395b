"""Settings of logging in: ``[smtp.auth]``, for all listeners that have it."""

from attrs import frozen

from empath.config.kinds import rate
from empath.config.schema.keys import count, duration, value
from empath.config.units import Period, Rate


@frozen(kw_only=True)
class AuthSettings:
    """``[smtp.auth]``: how passwords are checked, and how often somebody may guess."""

    max_failures: int = count(3, "how many failed logins one session may have before it is closed with 421")
    failures_per_client: Rate = value(
        rate(Period.HOUR), Rate(60, Period.HOUR), "how many failed logins may come from one client; then 421"
    )
    failures_per_user: Rate = value(
        rate(Period.HOUR), Rate(100, Period.HOUR), "how many failed logins one user may have, from wherever; then 421"
    )
    max_tracked: int = count(10_000, "how many clients, and how many logins, failures are counted for")
    hash_threads: int = count(2, "how many passwords are checked at once", at_most=64, needs_restart=True)
    max_waiting: int = count(100, "how many passwords may be checked or wait for it; the next login is answered 454")
    cache_size: int = count(1000, "how many logins that were right are remembered for a while", at_least=0)
    cache_time_s: float = duration("1m", "how long a login that was right need not be checked again", at_least="0")
    refresh_s: float = duration("5s", "how long a change of users_file may go unseen", at_least="100ms")
