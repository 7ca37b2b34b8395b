"""Values that do not go together, and those that do although one might think otherwise."""

from pathlib import Path

import pytest

from empath.config import Code
from tests.config.sources import LIVE, faults_of

TLS = 'starttls.cert_file = "/dev/null"\nstarttls.key_file = "/dev/null"\n'
LOGIN = f'tls = "implicit"\nauth = "required"\n{TLS}'

FOUND = {
    "a domain in two sites": (
        'delivery.sites.a.domains = ["example.org"]\ndelivery.sites.b.domains = ["EXAMPLE.org"]',
        Code.CONTRADICTION,
    ),
    "a domain in the site that is called like it, and in another": (
        'delivery.sites."example.org" = {}\ndelivery.sites.b.domains = ["example.org"]',
        Code.CONTRADICTION,
    ),
    "a site that is sent to ourselves": (
        'delivery.sites.a = { domains = ["example.org"], mx_override = "127.0.0.1:1025" }',
        Code.CONTRADICTION,
    ),
    "a site of no domain": ("delivery.sites.a.max_connections = 5", Code.NO_EFFECT),
    "more connections for a site than in all": (
        'delivery.max_parallel_deliveries = 5\ndelivery.sites.a = { domains = ["example.org"], max_connections = 6 }',
        Code.NO_EFFECT,
    ),
    "all connections reserved": (
        "delivery.max_parallel_deliveries = 5\ndelivery.priorities.reserved_connections = 5",
        Code.CONTRADICTION,
    ),
    "a rule for no header field": ('[[delivery.priorities.headers]]\nholds = "bulk"', Code.MISSING),
    "halves that together are everybody": ('relay.from_networks = ["0.0.0.0/1", "128.0.0.0/1"]', Code.UNSAFE),
    "halves of the Internet with IPv6": ('relay.from_networks = ["2000::/4", "3000::/4"]', Code.UNSAFE),
    "all of IPv4 in the form of IPv6": ('relay.from_networks = ["::ffff:0:0/96"]', Code.UNSAFE),
    "every second part of IPv4": (
        f"relay.from_networks = {[f'{first}.0.0.0/8' for first in range(1, 224, 2)]}",
        Code.UNSAFE,
    ),
    "half of IPv4": ('relay.from_networks = ["0.0.0.0/1"]', Code.UNSAFE),
    "all of IPv4 behind 6to4": ('relay.from_networks = ["2002::/16"]', Code.UNSAFE),
    "proxies that together are everybody": (
        '[[smtp.listeners]]\nproxy_protocol_from = ["0.0.0.0/1", "128.0.0.0/1"]',
        Code.UNSAFE,
    ),
    "everybody who may speak for others": (
        '[[smtp.listeners]]\nxclient_from = ["2000::/4", "3000::/4"]',
        Code.UNSAFE,
    ),
    "a proxy that may send to anybody": (
        'relay.from_networks = ["10.0.0.0/8"]\n[[smtp.listeners]]\nproxy_protocol_from = ["10.1.2.3"]',
        Code.UNSAFE,
    ),
    "proxies around hosts that may send to anybody": (
        'relay.from_networks = ["10.1.2.3"]\n[[smtp.listeners]]\nproxy_protocol_from = ["10.0.0.0/8"]',
        Code.UNSAFE,
    ),
    "a proxy on this host, which may send to anybody by default": (
        '[[smtp.listeners]]\nproxy_protocol_from = ["127.0.0.1"]',
        Code.UNSAFE,
    ),
    "a word that everybody may speak": ('[[smtp.listeners]]\nproxy_protocol_from = ["0.0.0.0/0"]', Code.UNSAFE),
    "a word that the half of everybody may speak": (
        '[[smtp.listeners]]\nxclient_from = ["0.0.0.0/2", "128.0.0.0/2"]',
        Code.UNSAFE,
    ),
    "a proof by DNSSEC that nobody is asked for": (
        "[delivery.dns.dnssec]\nenabled = false\nenforce = true",
        Code.CONTRADICTION,
    ),
    "a proof by DNSSEC from a server that is not believed": (
        '[delivery.dns]\nservers = ["127.0.0.1", "192.0.2.53"]\ndnssec.enforce = true',
        Code.CONTRADICTION,
    ),
    "a source address of a version that is not used": (
        '[delivery]\nip = "v6"\nsource = "192.0.2.1"',
        Code.CONTRADICTION,
    ),
    "a source address for a domain that is reached by the other version": (
        '[delivery]\nsource = "192.0.2.1"\ndomains."a.example".ip = "v6"',
        Code.CONTRADICTION,
    ),
    "a smart host that is reached by a version that is not used": (
        '[delivery]\nip = "v4"\nsmart_host = "[2001:db8::1]:25"',
        Code.CONTRADICTION,
    ),
    "an override that its source address cannot reach": (
        '[delivery.domains."a.example"]\nmx_override = "192.0.2.1"\nsource = "2001:db8::1"',
        Code.CONTRADICTION,
    ),
    "a relay domain with all its subdomains": ('relay.domains = ["*.example.org"]', Code.UNSAFE),
    "a relay domain that is every domain": ('relay.domains = ["*"]', Code.UNSAFE),
    "a relay domain behind a dot": ('relay.domains = [".example.org"]', Code.UNSAFE),
    "an alias that leads in a circle": (
        '[relay]\ndomains = ["a.example"]\naliases = {"a@a.example" = "b@a.example", "b@a.example" = "a@a.example"}',
        Code.CONTRADICTION,
    ),
    "an alias that grows too large": (
        '[relay]\nmax_alias_recipients = 1\naliases = {"all" = ["a@a.example", "b@a.example"]}',
        Code.CONTRADICTION,
    ),
    "an alias for an address of others": ('relay.aliases = {"a@b.example" = "c@d.example"}', Code.CONTRADICTION),
    "one alias that stands there twice": (
        '[relay]\ndomains = ["a.example"]\naliases = {"a@a.example" = "b@c.d", "A@A.example" = "e@f.g"}',
        Code.CONTRADICTION,
    ),
    "an alias for nobody": ('relay.aliases = {"all" = []}', Code.WRONG_TYPE),
    "an alias for what is no address": ('relay.aliases = {"all" = ["a"]}', Code.BAD_VALUE),
    "a null reverse-path that is denied": ('relay.deny_senders = ["<>"]', Code.BAD_VALUE),
    "implicit TLS without a certificate": (
        '[[smtp.listeners]]\ntls = "implicit"\nstarttls.key_file = "/dev/null"',
        Code.MISSING,
    ),
    "passwords in clear": ('[[smtp.listeners]]\nauth = "required"\nusers_file = "/dev/null"', Code.UNSAFE),
    "logins without users": (f'[[smtp.listeners]]\ntls = "implicit"\nauth = "optional"\n{TLS}', Code.MISSING),
    "users that nobody can be": ('[[smtp.listeners]]\nusers_file = "/dev/null"', Code.CONTRADICTION),
    "a users file that cannot be read": (
        f'[[smtp.listeners]]\n{LOGIN}users_file = "/dev/null/users"',
        Code.FILE_MISSING,
    ),
    "a users file that is not there yet": (
        f'[[smtp.listeners]]\n{LOGIN}users_file = "/nowhere/users"',
        Code.FILE_MISSING,
    ),
    "a login of hosts that have none": (
        f'[[smtp.listeners]]\nprofile = "mx"\n{LOGIN}users_file = "/dev/null"',
        Code.CONTRADICTION,
    ),
    "senders for logins that nobody has": ('relay.sender_logins = { "a@example.org" = ["ann"] }', Code.NO_EFFECT),
    "a certificate that is not used": ('[[smtp.listeners]]\nstarttls.cert_file = "/dev/null"', Code.CONTRADICTION),
    "half of a certificate for SNI": (
        f'[[smtp.listeners]]\ntls = "starttls"\n{TLS}certificates = [{{ cert_file = "/dev/null" }}]',
        Code.MISSING,
    ),
    "certificates for SNI that are not used": (
        '[[smtp.listeners]]\ncertificates = [{ cert_file = "/dev/null", key_file = "/dev/null" }]',
        Code.CONTRADICTION,
    ),
    "authorities of clients that are not asked": (
        '[[smtp.listeners]]\nclient_ca_file = "/dev/null"',
        Code.CONTRADICTION,
    ),
    "a certificate for SNI that cannot be read": (
        f'[[smtp.listeners]]\ntls = "starttls"\n{TLS}'
        'certificates = [{ cert_file = "/dev/null", key_file = "/nowhere/key.pem" }]',
        Code.FILE_MISSING,
    ),
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
    "more connections of one than of its network": (
        "[smtp.limits]\nmax_connections_per_ip = 60\nmax_connections_per_prefix = 40",
        Code.NO_EFFECT,
    ),
    "a delay that no error lives to see": ("smtp.limits.error_delay_after = 20", Code.NO_EFFECT),
    "a pause longer than the session": ('smtp.limits.data_timeout = "2h"', Code.NO_EFFECT),
    "a queue in PostgreSQL, and no server": ('delivery.queue_backend = "postgres"', Code.MISSING),
    "a server, and a queue of files": ('delivery.queue_url_file = "/etc/empath/url"', Code.CONTRADICTION),
    "a directory for a queue that is in PostgreSQL": (
        'delivery.queue_backend = "postgres"\ndelivery.queue_url_file = "/url"\ndelivery.queue_path = "/queue"',
        Code.NO_EFFECT,
    ),
    "more connections of a site than of all": ("delivery.max_connections_per_host = 300", Code.NO_EFFECT),
    "a dashboard without the API": ("[api]\nenabled = false\ndashboard = true", Code.NO_EFFECT),
    "an API for other machines without tokens": (
        '[api]\nlisten_addr = "192.0.2.1:8080"\nallow_insecure_http = true',
        Code.UNSAFE,
    ),
    "an API for other machines in clear": (
        '[api]\nlisten_addr = "0.0.0.0:8080"\ntokens_file = "/dev/null"',
        Code.UNSAFE,
    ),
    "half a certificate of the API": ('api.tls.cert_file = "/dev/null"', Code.MISSING),
    "the other half": ('api.tls.key_file = "/dev/null"', Code.MISSING),
    "old audit logs without a file for each day": (
        "[audit]\nrotate_daily = false\nretain_days = 7",
        Code.NO_EFFECT,
    ),
    "a schedule that ends early": ("delivery.max_attempts = 3", Code.BELOW_RFC),
    "an age that ends early": ('[delivery]\nmax_attempts = 9\nmax_age = "30s"', Code.SCHEDULE),
    "a login without a password": ('delivery.smart_host_auth.user = "ann"', Code.MISSING),
    "a password without a login": ('delivery.smart_host_auth.password_file = "/dev/null"', Code.MISSING),
    "a login to nobody": (
        '[delivery.smart_host_auth]\nuser = "ann"\npassword_file = "/dev/null"',
        Code.CONTRADICTION,
    ),
    "a login in clear": (
        '[delivery]\nsmart_host = "mx.example.net"\ntls.default_policy = "disabled"\n'
        '[delivery.smart_host_auth]\nuser = "ann"\npassword_file = "/dev/null"',
        Code.UNSAFE,
    ),
    "a smart host that is ourselves": ('delivery.smart_host = "127.0.0.1:1025"', Code.CONTRADICTION),
    "an override that is ourselves": (
        '[[smtp.listeners]]\nlisten_addr = "[::]:25"\n[delivery.domains."a.example"]\nmx_override = "[::1]"',
        Code.CONTRADICTION,
    ),
    "a domain without TLS where all have it": (
        'delivery.tls.default_policy = "required"\ndelivery.domains."a.example".require_tls = false',
        Code.NO_EFFECT,
    ),
    "a domain that needs TLS and does without": (
        '[delivery.domains."a.example"]\nrequire_tls = true\ntls_policy = "opportunistic"',
        Code.CONTRADICTION,
    ),
    "DANE by the word of nobody": (
        'delivery.dns.servers = ["192.0.2.53"]\ndelivery.domains."a.example".tls_policy = "dane"',
        Code.CONTRADICTION,
    ),
    "DANE where nobody asks about it": (
        '[delivery]\ndns.dnssec.enabled = false\ntls.domain_overrides = [{ domains = ["a.example"], policy = "dane" }]',
        Code.CONTRADICTION,
    ),
    "DANE for all by the word of nobody": (
        'delivery.dns.servers = ["192.0.2.53"]\ndelivery.tls.default_policy = "dane"',
        Code.CONTRADICTION,
    ),
    "reports on TLS from nobody": ('delivery.tls.report.contact = "postmaster"', Code.BAD_VALUE),
    "reports on TLS from an address": ('delivery.tls.report.contact = "ann@[192.0.2.1]"', Code.BAD_VALUE),
    "reports on TLS from somebody whom few can write to": (
        'delivery.tls.report.contact = "änn@example.org"',
        Code.BAD_VALUE,
    ),
    "a TLS policy for nobody": ('[[delivery.tls.domain_overrides]]\npolicy = "verified"', Code.NO_EFFECT),
    "two TLS policies for one domain": (
        '[delivery.tls]\ndomain_overrides = [{ domains = ["a.example"] }, { domains = ["b.example", "A.example"] }]',
        Code.CONTRADICTION,
    ),
    "a rule whose first delay is longer than its longest": (
        '[[delivery.retry.rules]]\nmax_delay = "30s"',
        Code.CONTRADICTION,
    ),
    "a rule that lets some mail become older than all": (
        '[[delivery.retry.rules]]\nmax_age = "6d"',
        Code.CONTRADICTION,
    ),
    "a rule whose attempts are over soon": (
        "[[delivery.retry.rules]]\nmultiplier = 1.0",
        Code.SCHEDULE,
    ),
    "a file of rules that holds none": ('delivery.rules_file = "RULES"', Code.RULES_FILE),
    "a file of rules that is not there": ('delivery.rules_file = "/nowhere/rules.toml"', Code.FILE_MISSING),
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
    (tmp_path / "rules.toml").write_text("[[rules]]\nclass = 'nonsense'\n")
    text = text.replace("RULES", str(tmp_path / "rules.toml"))
    assert code in {fault.code for fault in faults_of(tmp_path, LIVE + text)}


LET_BE = {
    "defaults": "",
    "DANE by the word of a resolver on this machine": (
        'delivery.dns.servers = ["127.0.0.1"]\ndelivery.tls.default_policy = "dane"'
    ),
    "DANE by the word of somebody who is believed": (
        '[delivery]\ntls.default_policy = "dane"\ndns = { servers = ["192.0.2.53"], trust_ad = true }'
    ),
    "a proof by DNSSEC from a server far away that is believed": (
        '[delivery.dns]\nservers = ["192.0.2.53"]\ntrust_ad = true\ndnssec.enforce = true'
    ),
    "a source address of each version, of which a domain uses one": (
        '[delivery]\nsource = ["192.0.2.1", "2001:db8::1"]\ndomains."a.example".ip = "v6"'
    ),
    "listeners on ports that the system chooses": (
        '[[smtp.listeners]]\nlisten_addr = "127.0.0.1:0"\n[[smtp.listeners]]\nlisten_addr = "127.0.0.1:0"'
    ),
    "both versions of IP on one port": (
        '[[smtp.listeners]]\nlisten_addr = "0.0.0.0:25"\n[[smtp.listeners]]\nlisten_addr = "[::]:25"'
    ),
    "a listener where metrics would be": 'metrics.enabled = false\n[[smtp.listeners]]\nlisten_addr = "127.0.0.1:9090"',
    "sections with one address": 'metrics.listen_addr = "127.0.0.1:8080"',
    "no dashboard": "api.dashboard = false",
    "an API for other machines behind a proxy": (
        "metrics.enabled = false\nhealth.enabled = false\n"
        '[api]\nlisten_addr = "192.0.2.1:8080"\ntokens_file = "/dev/null"\nallow_insecure_http = true'
    ),
    "an API for other machines with TLS": (
        "metrics.enabled = false\nhealth.enabled = false\n"
        '[api]\nlisten_addr = "192.0.2.1:8080"\ntokens_file = "/dev/null"\n'
        'tls = { cert_file = "/dev/null", key_file = "/dev/null" }'
    ),
    "old audit logs that are removed": "audit.retain_days = 7",
    "a login with all it needs": f'[[smtp.listeners]]\n{LOGIN}users_file = "/dev/null"',
    "TLS with all it needs": f'[[smtp.listeners]]\ntls = "starttls"\n{TLS}',
    "a low cap of all beside a default cap of one": "delivery.max_parallel_deliveries = 5",
    "a login to a smart host": (
        '[delivery]\nsmart_host = "mx.example.net"\n'
        '[delivery.smart_host_auth]\nuser = "ann"\npassword_file = "/dev/null"'
    ),
    "a smart host with a name": 'delivery.smart_host = "localhost:1025"',
    "a smart host on another port": 'delivery.smart_host = "127.0.0.1:2525"',
    "a domain that demands what is switched off for others": (
        'delivery.tls.default_policy = "disabled"\ndelivery.domains."a.example".require_tls = true'
    ),
    "attempts that fit their age": '[delivery]\nmax_attempts = 15\nretry_max_delay = "24h"',
    "a proxy beside hosts that may send to anybody": (
        'relay.from_networks = ["10.1.0.0/16", "::1"]\n[[smtp.listeners]]\nproxy_protocol_from = ["10.2.0.0/16", "::2"]'
    ),
    "aliases that end": (
        '[relay]\ndomains = ["a.example"]\naliases = {"all" = ["all@a.example", "x@b.example"], "@a.example" = "o@b.c"}'
    ),
    "an alias at this host": 'relay.aliases = {"root@mx.example.org" = "a@b.example"}',
    "large networks that nobody comes from over the Internet": 'relay.from_networks = ["10.0.0.0/8", "fc00::/7"]',
    "a jitter": "delivery.retry_jitter_factor = 0.5",
    "a rule that fits": '[[delivery.retry.rules]]\nclasses = ["greylisted"]\nbase_delay = "5m"\nmax_age = "4d"',
    "a file of rules": 'delivery.rules_file = "/dev/null"',
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
[delivery]
queue_backend = "memory"
max_attempts = 3
trash_retenton = "7d"
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
        ("CFG017", 6),
        ("CFG014", 8),
        ("CFG014", 10),
        ("CFG011", 11),
        ("CFG010", None),  # the variable
        ("CFG030", 7),
    ]
