"""Every key, with its default and whether it needs a restart: the promise that the file format makes."""

import tomllib

import pytest
from attrs import fields

from empath.config.kinds import DURATION, SIZE
from empath.config.schema import ALIASES, Config, Key, walk
from empath.config.schema.keys import describe, find
from tests.config.keys import defaults, settings_classes

# Pattern, default as a file would say it, R for keys that a running daemon cannot change.
KEYS = """
mode                                         "sandbox"                        R
hostname                                     "localhost"                      R
user                                         none                             R
spool.path                                   "/var/spool/empath"              R
spool.min_free                               "1GiB"
spool.inline_body_limit                      "256KiB"                         R
spool.deduplication_window                   "0"
relay.from_networks                          ["127.0.0.0/8", "::1/128"]
relay.domains                                []
relay.allow_senders                          []
relay.deny_senders                           []
relay.allow_recipients                       []
relay.deny_recipients                        []
relay.aliases                                {  }
relay.max_alias_recipients                   1000
relay.postmaster                             []
relay.rewrite_sender_domains                 {  }
relay.sender_logins                          {}
smtp.listeners[].listen_addr                 "127.0.0.1:1025"                 R
smtp.listeners[].profile                     "relay"
smtp.listeners[].tls                         "none"
smtp.listeners[].starttls.cert_file          none
smtp.listeners[].starttls.key_file           none
smtp.listeners[].certificates[].cert_file    none
smtp.listeners[].certificates[].key_file     none
smtp.listeners[].client_ca_file              none
smtp.listeners[].auth                        "none"
smtp.listeners[].users_file                  none
smtp.listeners[].proxy_protocol_from         []
smtp.listeners[].xclient_from                []
smtp.listeners[].priority                    none
smtp.listeners[].max_message_size            "25MiB"
smtp.listeners[].require_single_from         false
smtp.tls.handshake_timeout                   "30s"
smtp.tls.handshake_threads                   1                                R
smtp.tls.reload_interval                     "1m"
smtp.tls.expiry_warning                      "14d"
smtp.limits.max_recipients                   1000
smtp.limits.max_recipient_overshoot          1000
smtp.limits.max_errors                       20
smtp.limits.max_junk_commands                100
smtp.limits.error_delay_after                10
smtp.limits.error_delay                      "1s"
smtp.limits.max_hops                         50
smtp.limits.max_line                         "64KiB"
smtp.limits.max_header_size                  "128KiB"
smtp.limits.max_header_fields                1000
smtp.limits.max_future_release               "30d"
smtp.limits.max_connections                  1000
smtp.limits.max_connections_per_ip           50
smtp.limits.max_connections_per_prefix       none
smtp.limits.ipv4_prefix                      24
smtp.limits.ipv6_prefix                      64
smtp.limits.connections_per_client           none
smtp.limits.messages_per_client              none
smtp.limits.recipients_per_client            none
smtp.limits.messages_per_user                none
smtp.limits.recipients_per_user              none
smtp.limits.max_tracked_clients              10000
smtp.limits.max_refusals                     100
smtp.limits.greet_pause                      "0"
smtp.limits.proxy_timeout                    "5s"
smtp.limits.command_timeout                  "5m"
smtp.limits.data_timeout                     "3m"
smtp.limits.min_data_rate                    "100B/s"
smtp.limits.session_timeout                  "1h"
smtp.limits.crowded_timeout                  "10s"
smtp.limits.farewell_timeout                 "5s"
smtp.auth.max_failures                       3
smtp.auth.failures_per_client                "60/h"
smtp.auth.failures_per_user                  "100/h"
smtp.auth.max_tracked                        10000
smtp.auth.hash_threads                       2                                R
smtp.auth.max_waiting                        100
smtp.auth.cache_size                         1000
smtp.auth.cache_time                         "1m"
smtp.auth.refresh                            "5s"
smtp.hooks[].name                            ""
smtp.hooks[].settings                        {  }
smtp.hooks[].deadline                        "10s"
smtp.hooks[].fail_mode                       "open"
smtp.hooks[].failure_threshold               5
smtp.hooks[].pause                           "10s"
smtp.hooks[].max_concurrent                  50
smtp.hooks[].profiles                        []
smtp.hooks[].listeners                       []
delivery.frozen                              false
delivery.queue_backend                       "sqlite"                         R
delivery.queue_path                          none                             R
delivery.queue_url_file                      none                             R
delivery.failed_retention                    "1d"
delivery.trash_retention                     "1h"
delivery.smart_host                          none
delivery.smart_host_auth.user                none
delivery.smart_host_auth.password_file       none
delivery.smart_host_auth.mechanism           "auto"
delivery.smart_host_auth.tls                 "auto"
delivery.smtp_port                           25
delivery.allow_private_hosts                 false
delivery.own_hosts                           []
delivery.ip                                  "prefer-v4"
delivery.source                              none
delivery.max_hosts_per_attempt               5
delivery.max_addresses_per_attempt           6
delivery.max_search_time                     "30m"
delivery.accept_invalid_certs                false
delivery.max_attempts                        25
delivery.max_age                             "5d"
delivery.retry_base_delay                    "1m"
delivery.retry_max_delay                     "1d"
delivery.retry_multiplier                    2.0
delivery.retry_jitter_factor                 0.2
delivery.max_deliveries_in_memory            10000
delivery.max_memory                          "64MiB"
delivery.max_backlog_per_site                2000
delivery.max_lanes                           20000
delivery.max_parallel_deliveries             200
delivery.max_connections_per_host            20
delivery.max_recipients_per_transaction      100
delivery.one_write_limit                     "64KiB"
delivery.max_messages_per_connection         500
delivery.connection_pool.idle_timeout        "5m"
delivery.smtp_timeouts.connect               "30s"
delivery.smtp_timeouts.greeting              "5m"
delivery.smtp_timeouts.command               "5m"
delivery.smtp_timeouts.data_init             "2m"
delivery.smtp_timeouts.data                  "3m"
delivery.smtp_timeouts.data_reply            "10m"
delivery.smtp_timeouts.quit                  "5s"
delivery.dns.servers                         []
delivery.dns.timeout                         "10s"
delivery.dns.cache_ttl                       "5m"
delivery.dns.cache_entries                   10000
delivery.dns.max_queries                     100
delivery.dns.trust_ad                        false
delivery.dns.dnssec.enabled                  true
delivery.dns.dnssec.enforce                  false
delivery.tls.default_policy                  "opportunistic"
delivery.tls.domain_overrides[].domains      []
delivery.tls.domain_overrides[].policy       "required"
delivery.tls.ca_file                         none
delivery.tls.dane                            true
delivery.tls.tls_required_header             true
delivery.tls.mta_sts                         true
delivery.tls.mta_sts_timeout                 "1m"
delivery.tls.mta_sts_max_size                "64KiB"
delivery.tls.mta_sts_refresh                 "1h"
delivery.tls.mta_sts_retry                   "5m"
delivery.tls.mta_sts_policies                10000
delivery.tls.remember_broken                 "1h"
delivery.tls.max_broken_hosts                10000
delivery.tls.report.contact                  none
delivery.tls.report.max_delay                "4h"
delivery.tls.report.save_interval            "1m"
delivery.tls.report.max_results              50000
delivery.tls.report.timeout                  "1m"
delivery.tls.report.retry                    "1h"
delivery.domains.*.max_connections           none
delivery.domains.*.rate_limit                none
delivery.domains.*.connection_rate           none
delivery.domains.*.priority                  none
delivery.domains.*.require_tls               false
delivery.domains.*.tls_policy                none
delivery.domains.*.accept_invalid_certs      none
delivery.domains.*.mx_override               none
delivery.domains.*.ip                        none
delivery.domains.*.source                    none
delivery.rate_limits.global_per_second       none
delivery.rate_limits.per_domain_per_second   none
delivery.rate_limits.default                 none
delivery.rate_limits.per_site                none
delivery.rate_limits.per_source              none
delivery.rate_limits.per_sender              none
delivery.rate_limits.count_reports           false
delivery.rate_limits.count_local             false
delivery.rate_limits.max_domains             10000
delivery.rate_limits.connections.global_per_second none
delivery.rate_limits.connections.per_site    none
delivery.rate_limits.connections.per_source  none
delivery.sites.*.max_connections             none
delivery.sites.*.rate_limit                  none
delivery.sites.*.connection_rate             none
delivery.sites.*.priority                    none
delivery.sites.*.require_tls                 false
delivery.sites.*.tls_policy                  none
delivery.sites.*.accept_invalid_certs        none
delivery.sites.*.mx_override                 none
delivery.sites.*.ip                          none
delivery.sites.*.source                      none
delivery.sites.*.domains                     []
delivery.priorities.weights.critical         8.0
delivery.priorities.weights.high             4.0
delivery.priorities.weights.normal           2.0
delivery.priorities.weights.low              1.0
delivery.priorities.users                    {  }
delivery.priorities.headers[].name           none
delivery.priorities.headers[].holds          none
delivery.priorities.headers[].priority       "normal"
delivery.priorities.mt_priority_cap          "high"
delivery.priorities.head_start               "10m"
delivery.priorities.retry_share              0.2
delivery.priorities.reserved_connections     0
delivery.priorities.reserved_per_site        0
delivery.circuit_breaker.failure_threshold   5
delivery.circuit_breaker.timeout             "1m"
delivery.circuit_breaker.max_timeout         "15m"
delivery.circuit_breaker.half_open_max_calls 3
delivery.dsn.bounce                          true
delivery.dsn.delay_warning_after             "4h"
delivery.dsn.success                         "on-request"
delivery.dsn.max_returned                    "50000B"
delivery.dsn.rate_limit                      "60/min"
delivery.dsn.max_tracked_senders             10000
delivery.retry.rules[].classes               []
delivery.retry.rules[].domains               []
delivery.retry.rules[].base_delay            none
delivery.retry.rules[].max_delay             none
delivery.retry.rules[].multiplier            none
delivery.retry.rules[].jitter_factor         none
delivery.retry.rules[].max_attempts          none
delivery.retry.rules[].max_age               none
delivery.uncertain.action                    "retry"
delivery.uncertain.pause                     "15m"
delivery.reply_rules                         []
delivery.rules_file                          none
delivery.adaptation.min_rate                 "1/min"
delivery.adaptation.recovery_interval        "1m"
capture.max_messages                         500
capture.max_size                             "100MiB"
capture.max_connections                      1000
shutdown.grace                               "30s"
http.max_connections                         64
http.read_timeout                            "10s"
http.max_request                             "16KiB"
http.max_content                             "1MiB"
http.content_timeout                         "1m"
metrics.enabled                              true
metrics.listen_addr                          "127.0.0.1:9090"
metrics.max_domains                          100
metrics.pinned_domains                       []
tracing.enabled                              false
tracing.endpoint                             "http://127.0.0.1:4318/v1/traces"
tracing.sample_ratio                         1.0
tracing.max_pending                          10000
tracing.interval                             "5s"
tracing.timeout                              "5s"
health.enabled                               true
health.listen_addr                           "127.0.0.1:8080"
health.max_queue_size                        100000
health.min_success_rate                      0.5
health.max_open_breakers                     20
health.max_loop_lag                          "1s"
health.max_clock_step                        "5s"
health.ready_requires                        []
api.enabled                                  true
api.listen_addr                              "127.0.0.1:8080"
api.tokens_file                              none
api.allow_insecure_http                      false
api.rate_limit                               "100/s"
api.max_message_size                         "25MiB"
api.max_jobs                                 100
api.undo_window                              "30m"
api.control_socket                           "/run/empath/control.sock"
api.allowed_origins                          []
api.dashboard                                true
api.session_time                       "12h"
api.max_sessions                       100
api.login_code_time                    "10m"
api.tls.cert_file                            none
api.tls.key_file                             none
api.live.max_viewers                   50
api.live.max_subscriptions             32
api.live.max_message                   "16KiB"
api.live.max_events                    1000
api.live.event_room                    "256KiB"
api.live.event_rate                    "200/s"
api.live.send_timeout                  "10s"
api.live.ping_interval                 "20s"
api.live.ticket_time                   "30s"
audit.enabled                                true
audit.log_path                               "/var/log/empath/audit.jsonl"
audit.rotate_daily                           true
audit.retain_days                            90
audit.max_pending                            10000
audit.on_full                                "drop"
audit.hash_chain                             false
audit.redact_sender                          "none"
audit.redact_recipients                      "none"
audit.history_timeout                        "20s"
audit.history_records                        10000
log.level                                    "info"
log.format                                   "auto"
"""


def test_keys_defaults_and_restart_marks_are_those_of_the_table() -> None:
    expected = {}
    for line in KEYS.strip().splitlines():
        pattern, rest = line.split(maxsplit=1)
        expected[pattern] = (rest.removesuffix(" R").strip(), rest.endswith(" R"))
    found = {}
    for pattern, key in walk(Config):
        default = defaults()[pattern]
        found[pattern] = ("none" if default is None else key.kind.show(default), key.needs_restart)
    assert found == expected


@pytest.mark.parametrize("pattern", defaults())
def test_every_default_can_be_written_and_read_and_is_in_its_limits(pattern: str) -> None:
    key, default = dict(walk(Config))[pattern], defaults()[pattern]
    if default is not None:
        assert key.read(tomllib.loads(f"value = {key.kind.show(default)}")["value"]) == default


def test_every_key_says_in_one_line_what_it_means() -> None:
    for pattern, key in walk(Config):
        first = key.meaning.split()[0]
        assert first in {"how", "where", "which", "what", "who", "whether", "by", "from", "for"}, pattern
        assert not key.meaning.endswith("."), pattern
        assert len(key.meaning) < 110, pattern


def test_plain_numbers_have_their_unit_in_the_name_of_the_attribute() -> None:
    for settings in settings_classes():
        for attribute in fields(settings):
            declared = describe(attribute)
            if isinstance(declared, Key) and declared.kind in {DURATION, SIZE}:
                assert attribute.name.endswith(declared.kind.suffix)


def test_the_settings_are_values() -> None:
    assert Config() == Config()
    with pytest.raises(AttributeError):
        Config().mode = Config().mode  # type: ignore[misc] # that it is refused is the point


def test_an_alias_is_no_key_and_leads_to_one() -> None:
    for alias, real in ALIASES.items():
        assert find(Config, alias)[1] is None
        assert isinstance(find(Config, real)[1], Key)
