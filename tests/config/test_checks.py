"""Values that do not go together, and those that do although one might think otherwise."""

from pathlib import Path

import pytest

from empath.config import Code
from tests.config.sources import LIVE, faults_of

TLS = 'starttls.cert_file = "/dev/null"\nstarttls.key_file = "/dev/null"\n'

FOUND = {
    "halves that together are everybody": ('relay.from_networks = ["0.0.0.0/1", "128.0.0.0/1"]', Code.UNSAFE),
    "halves of the Internet with IPv6": ('relay.from_networks = ["2000::/4", "3000::/4"]', Code.UNSAFE),
    "all of IPv4 in the form of IPv6": ('relay.from_networks = ["::ffff:0:0/96"]', Code.UNSAFE),
    "implicit TLS without a certificate": (
        '[[smtp.listeners]]\ntls = "implicit"\nstarttls.key_file = "/dev/null"',
        Code.MISSING,
    ),
    "a certificate that is not used": ('[[smtp.listeners]]\nstarttls.cert_file = "/dev/null"', Code.CONTRADICTION),
    "two listeners with one address": ("[[smtp.listeners]]\n[[smtp.listeners]]", Code.CONTRADICTION),
    "a listener inside another one": (
        '[[smtp.listeners]]\nlisten_addr = "0.0.0.0:25"\n[[smtp.listeners]]\nlisten_addr = "192.0.2.1:25"',
        Code.CONTRADICTION,
    ),
    "a listener where metrics are": ('[[smtp.listeners]]\nlisten_addr = "127.0.0.1:9090"', Code.CONTRADICTION),
    "sections that overlap": ('health.listen_addr = "0.0.0.0:9090"', Code.CONTRADICTION),
    "fewer recipients than RFC 5321 asks for": ("smtp.limits.max_recipients = 99", Code.BELOW_RFC),
    "less time than RFC 5321 asks for": ('smtp.limits.command_timeout = "1m"', Code.BELOW_RFC),
    "more connections of one than of all": ("smtp.limits.max_connections_per_ip = 2000", Code.NO_EFFECT),
    "a pause longer than the session": ('smtp.limits.data_timeout = "2h"', Code.NO_EFFECT),
    "more connections of a site than of all": ("delivery.max_connections_per_host = 300", Code.NO_EFFECT),
    "a schedule that ends early": ("delivery.max_attempts = 3", Code.BELOW_RFC),
    "an age that ends early": ('[delivery]\nmax_attempts = 9\nmax_age = "30s"', Code.SCHEDULE),
    "a smart host that is ourselves": ('delivery.smart_host = "127.0.0.1:1025"', Code.CONTRADICTION),
    "an override that is ourselves": (
        '[[smtp.listeners]]\nlisten_addr = "[::]:25"\n[delivery.domains."a.example"]\nmx_override = "[::1]"',
        Code.CONTRADICTION,
    ),
    "a domain without TLS where all have it": (
        'delivery.tls.default_policy = "required"\ndelivery.domains."a.example".require_tls = false',
        Code.NO_EFFECT,
    ),
    "a domain that is named twice": (
        '[delivery.domains."gmail.com"]\n[delivery.domains."Gmail.com"]',
        Code.CONTRADICTION,
    ),
    "a domain that is named in two scripts": (
        '[delivery.domains."münchen.example"]\n[delivery.domains."xn--mnchen-3ya.example"]',
        Code.CONTRADICTION,
    ),
}


@pytest.mark.parametrize(("text", "code"), FOUND.values(), ids=FOUND)
def test_found_is(tmp_path: Path, text: str, code: Code) -> None:
    assert code in {fault.code for fault in faults_of(tmp_path, LIVE + text)}


LET_BE = {
    "defaults": "",
    "listeners on ports that the system chooses": (
        '[[smtp.listeners]]\nlisten_addr = "127.0.0.1:0"\n[[smtp.listeners]]\nlisten_addr = "127.0.0.1:0"'
    ),
    "both versions of IP on one port": (
        '[[smtp.listeners]]\nlisten_addr = "0.0.0.0:25"\n[[smtp.listeners]]\nlisten_addr = "[::]:25"'
    ),
    "a listener where metrics would be": 'metrics.enabled = false\n[[smtp.listeners]]\nlisten_addr = "127.0.0.1:9090"',
    "sections with one address": 'metrics.listen_addr = "127.0.0.1:8080"',
    "TLS with all it needs": f'[[smtp.listeners]]\ntls = "starttls"\n{TLS}',
    "a low cap of all beside a default cap of one": "delivery.max_parallel_deliveries = 5",
    "a smart host with a name": 'delivery.smart_host = "localhost:1025"',
    "a smart host on another port": 'delivery.smart_host = "127.0.0.1:2525"',
    "a domain that demands what is switched off for others": (
        'delivery.tls.default_policy = "disabled"\ndelivery.domains."a.example".require_tls = true'
    ),
    "attempts that fit their age": '[delivery]\nmax_attempts = 15\nretry_max_delay = "24h"',
    "a jitter": "delivery.retry_jitter_factor = 0.5",
}


@pytest.mark.parametrize("text", LET_BE.values(), ids=LET_BE)
def test_let_be_are(tmp_path: Path, text: str) -> None:
    assert faults_of(tmp_path, LIVE + text) == ()


def test_the_sandbox_may_name_itself_as_next_hop_since_it_never_goes_there(tmp_path: Path) -> None:
    assert faults_of(tmp_path, 'mode = "sandbox"\ndelivery.smart_host = "127.0.0.1:1025"') == ()


def test_a_check_stays_silent_about_a_key_that_was_refused(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, f'{LIVE}[delivery]\nretry_max_delay = "1x"\nretry_base_delay = "2d"')
    assert [fault.code for fault in faults] == [Code.BAD_VALUE]


def test_one_fault_hides_no_other(tmp_path: Path) -> None:
    text = """\
hostname = 7
relay.from_networks = ["0.0.0.0/0", "10.0.0.1/8", 7]
[[smtp.listeners]]
tls = "starttls"
auth = "none"
[delivery]
queue_backend = "files"
max_attempts = 3
[delivery.domains."gmail.com"]
ratelimit = 1
[delivery.domains."no domain"]
"""
    faults = faults_of(tmp_path, text, {"EMPATH_DELIVERY__SMTP_PORT": "smtp"})
    assert [(str(fault.code), fault.origin.line) for fault in faults] == [
        ("CFG013", None),  # mode
        ("CFG010", 1),
        ("CFG017", 2),
        ("CFG011", 2),
        ("CFG010", 2),
        ("CFG013", 4),  # starttls.cert_file and key_file, for the sake of tls
        ("CFG013", 4),
        ("CFG015", 5),
        ("CFG016", 7),
        ("CFG014", 10),
        ("CFG011", 11),
        ("CFG010", None),  # the variable
        ("CFG030", 8),
    ]
