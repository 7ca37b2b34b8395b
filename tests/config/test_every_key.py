"""What holds for each key alike: file and environment can set it, and nothing that is no value of it gets through."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from empath.config import Code, Fault, as_text
from empath.config.lines import split_key
from empath.mail.priority import Priority
from tests.config.keys import aliases, defaults, every_key
from tests.config.sources import faults_of, load_text

LIVE = {"EMPATH_MODE": "live", "EMPATH_HOSTNAME": "mx.example.org"}

# By the noun of its kind: a value as a variable has it, the same as TOML, one of a wrong type, one that means nothing.
SAMPLES = {
    "true or false": ("true", "true", '"true"', "1"),
    "a whole number": ("7", "7", '"7"', "7.5"),
    "a number": ("1.25", "1.25", "true", "inf"),
    "a path": ("/dev/null", '"/dev/null"', "7", '"dev/null"'),
    "a duration": ("2h", '"2h"', "7", '"7 parsecs"'),
    "a size": ("32KiB", '"32KiB"', "7", '"7 acres"'),
    "a data rate": ("7kB/s", '"7kB/s"', "7", '"7 acres/s"'),
    "a rate": ("30/min", '"30/min"', "1.5", '"30/fortnight"'),
    "a host": ("[2001:db8::1]:26", '"[2001:db8::1]:26"', "25", '"mx..org"'),
    "an address with port": ("127.0.0.7:7000", '"127.0.0.7:7000"', "25", '"localhost:25"'),
    "an address": ("ann@example.net", '"ann@example.net"', "7", '"ann@"'),
    "a login name": ("ann@example.net", '"ann@example.net"', "7", '""'),
    "a domain name": ("mx.example.net", '"mx.example.net"', "false", '"mx example"'),
}
# By key, where the kind alone does not tell.
OWN_SAMPLES = {
    "relay.from_networks": ("192.0.2.0/24, ::1", '["192.0.2.0/24", "::1"]', '"192.0.2.0/24"', '["x"]'),
    **dict.fromkeys(
        ["smtp.listeners[].proxy_protocol_from", "smtp.listeners[].xclient_from"],
        ("192.0.2.0/24, ::2", '["192.0.2.0/24", "::2"]', '"192.0.2.0/24"', '["x"]'),
    ),
    "user": ("empath", '"empath"', "7", '""'),
    "relay.postmaster": ("ann@example.net, b@[192.0.2.1]", '["ann@example.net", "b@[192.0.2.1]"]', "7", '["ann"]'),
    "relay.aliases": ('{"sales"="c@d.example"}', '{ "sales" = "c@d.example" }', "7", '{ "a b" = "c@d.e" }'),
    "relay.rewrite_sender_domains": ('{".internal"="b.c"}', '{ ".internal" = "b.c" }', "7", '{ "*" = "b" }'),
    **dict.fromkeys(
        [f"relay.{verb}_{whom}" for verb in ("allow", "deny") for whom in ("senders", "recipients")],
        ("a@b.example, .c.example", '["a@b.example", ".c.example"]', '"a@b.example"', '["a@"]'),
    ),
    "relay.domains": ("example.net,example.com", '["example.net", "example.com"]', "7", '["a..b"]'),
    "smtp.hooks[].name": ("rspamd", '"rspamd"', "7", '"sieve"'),
    "smtp.hooks[].settings": (
        *('{ max_size = "1MiB" }', '{ max_size = "1MiB" }'),
        *('["max_size"]', '{ max_size = "7 acres" }'),
    ),
    "smtp.hooks[].profiles": ("mx, relay", '["mx", "relay"]', '"mx"', '["lmtp"]'),
    "smtp.hooks[].listeners": ("[::1]:25, 127.0.0.1:25", '["[::1]:25", "127.0.0.1:25"]', '"[::1]:25"', '["localhost"]'),
    "delivery.tls.domain_overrides[].domains": (
        *("a.example, b.example", '["a.example", "b.example"]'),
        *('"a.example"', '["a..b"]'),
    ),
    "delivery.dns.servers": ("192.0.2.1, [::1]:54", '["192.0.2.1", "[::1]:54"]', "{}", '["dns.example.org"]'),
    "delivery.priorities.users": (
        *('{ "ann" = "low" }', '{ "ann" = "low" }'),
        *('["ann"]', '{ "ann" = "lowest" }'),
    ),
    "delivery.priorities.headers[].holds": ("bulk", '"bulk"', "7", "[]"),
    "delivery.priorities.headers[].name": ("Precedence", '"Precedence"', "7", '"a b"'),
    **dict.fromkeys(
        [f"delivery.priorities.{name}" for name in ("retry_share", *(f"weights.{one.value}" for one in Priority))],
        ("0.5", "0.5", "true", "inf"),
    ),
    "delivery.sites.*.domains": ("a.example, b.example", '["a.example", "b.example"]', "7", '["a..b"]'),
    "delivery.own_hosts": ("mx.example.net, 2001:db8::1", '["mx.example.net", "2001:db8::1"]', "{}", '["a:25"]'),
    **dict.fromkeys(
        ["delivery.source", "delivery.domains.*.source", "delivery.sites.*.source"],
        ("192.0.2.1, 2001:db8::1", '["192.0.2.1", "2001:db8::1"]', "7", '["192.0.2.1", "192.0.2.2"]'),
    ),
    "api.allowed_origins": ("https://a.example", '["https://a.example"]', '"https://a.example"', "[7]"),
    "delivery.reply_rules": (
        '[{ text = "no", slow = 0.5, examples = ["450 no"], counterexamples = ["450 yes"] }]',
        '[{ text = "no", slow = 0.5, examples = ["450 no"], counterexamples = ["450 yes"] }]',
        '"no"',
        '[{ text = "no", slow = 0.5, examples = ["450 yes"], counterexamples = ["450 yes"] }]',
    ),
    "delivery.retry_jitter_factor": ("0.5", "0.5", "true", "inf"),
    "delivery.retry.rules[].jitter_factor": ("0.5", "0.5", "true", "inf"),
    "delivery.retry.rules[].classes": ("greylisted, spam", '["greylisted", "spam"]', '"spam"', '["ham"]'),
    "delivery.retry.rules[].domains": ("example.net,example.com", '["example.net", "example.com"]', "7", '["a..b"]'),
    "health.min_success_rate": ("0.9", "0.9", "true", "inf"),
    "tracing.sample_ratio": ("0.5", "0.5", "true", "inf"),
    "tracing.endpoint": ("http://otel:4318/v1/traces", '"http://otel:4318/v1/traces"', "7", "[]"),
    "health.ready_requires": ("dns, audit", '["dns", "audit"]', '"dns"', '["weather"]'),
    "metrics.pinned_domains": ("a.example, b.example", '["a.example", "b.example"]', "7", '["a..b"]'),
    "relay.sender_logins": (
        *('{ "@example.org" = ["ann"] }', '{ "@example.org" = ["ann"] }'),
        *('["ann"]', '{ "@example.org" = ["a b"] }'),
    ),
}
CHOICES = {
    "delivery.dsn.success": "never",
    "delivery.uncertain.action": "report",
    "mode": "live",
    "smtp.listeners[].profile": "submission",
    "smtp.listeners[].tls": "implicit",
    "smtp.listeners[].auth": "required",
    "smtp.hooks[].fail_mode": "closed",
    "delivery.queue_backend": "files",
    "delivery.tls.default_policy": "required",
    "delivery.smart_host_auth.mechanism": "xoauth2",
    "delivery.smart_host_auth.tls": "implicit",
    "delivery.tls.domain_overrides[].policy": "verified",
    "delivery.domains.*.tls_policy": "dane",
    "delivery.sites.*.tls_policy": "dane",
    "delivery.sites.*.ip": "v4",
    "delivery.priorities.headers[].priority": "low",
    "delivery.priorities.mt_priority_cap": "critical",
    **{f"{where}.priority": "high" for where in ("smtp.listeners[]", "delivery.domains.*", "delivery.sites.*")},
    "delivery.ip": "v6",
    "delivery.domains.*.ip": "v4",
    "audit.on_full": "defer",
    "audit.redact_sender": "hash",
    "audit.redact_recipients": "local",
    "log.level": "error",
    "log.format": "json",
}
ONE_CHOICE = set[str]()
# Of which every text is a value.
ANYTHING = {
    "api.allowed_origins",
    "tracing.endpoint",
    "delivery.priorities.headers[].holds",
    "delivery.priorities.headers[].name",
    "delivery.smart_host_auth.user",
}
# Variables without which a key would make no sense.
_SMART = "EMPATH_DELIVERY__SMART_HOST"
ALSO = {
    "delivery.smart_host_auth.user": {_SMART: "mx.example.net", f"{_SMART}_AUTH__PASSWORD_FILE": "/dev/null"},
    "delivery.smart_host_auth.password_file": {_SMART: "mx.example.net", f"{_SMART}_AUTH__USER": "ann"},
    "delivery.queue_url_file": {"EMPATH_DELIVERY__QUEUE_BACKEND": "postgres"},
    "api.tls.cert_file": {"EMPATH_API__TLS__KEY_FILE": "/dev/null"},
    "api.tls.key_file": {"EMPATH_API__TLS__CERT_FILE": "/dev/null"},
}
ENCRYPTED = {"tls": "implicit", "starttls.cert_file": "/dev/null", "starttls.key_file": "/dev/null"}
# What must stand beside a key so that it makes sense.
BESIDE = {
    "smtp.listeners[].tls": {"starttls.cert_file": "/dev/null", "starttls.key_file": "/dev/null"},
    "smtp.listeners[].starttls.cert_file": {"tls": "implicit", "starttls.key_file": "/dev/null"},
    "smtp.listeners[].starttls.key_file": {"tls": "implicit", "starttls.cert_file": "/dev/null"},
    **{
        f"smtp.listeners[].certificates[].{name}": {**ENCRYPTED, f"certificates[].{other}": "/dev/null"}
        for name, other in (("cert_file", "key_file"), ("key_file", "cert_file"))
    },
    "smtp.listeners[].client_ca_file": ENCRYPTED,
    **{f"delivery.priorities.headers[].{name}": {"name": "Precedence"} for name in ("holds", "priority")},
    **{
        f"smtp.hooks[].{name}": {"name": "rspamd"}
        for name in (
            "settings",
            "deadline",
            "fail_mode",
            "failure_threshold",
            "pause",
            "max_concurrent",
            "profiles",
            "listeners",
        )
    },
    "smtp.listeners[].auth": {
        **ENCRYPTED,
        "users_file": "/dev/null",
    },
    "smtp.listeners[].users_file": {
        **ENCRYPTED,
        "auth": "optional",
    },
}

KEYS = every_key()
each_key = pytest.mark.parametrize("pattern", KEYS)


@each_key
def test_a_file_sets_it(tmp_path: Path, pattern: str) -> None:
    _, toml, _, _ = samples(pattern)
    text, _ = file_with(pattern, toml)
    assert arrives(load_text(tmp_path, text, variables_without(pattern)).config, pattern, toml)


@each_key
def test_a_variable_sets_it(tmp_path: Path, pattern: str) -> None:
    written, toml, _, _ = samples(pattern)
    environ = variables_without(pattern) | {variable(pattern): written}
    for name, value in BESIDE.get(pattern, {}).items():
        environ[variable(f"{pattern.partition('[].')[0]}[].{name}")] = value
    assert arrives(load_text(tmp_path, "", environ).config, pattern, toml)


@each_key
def test_a_value_of_another_type_is_refused(tmp_path: Path, pattern: str) -> None:
    text, line = file_with(pattern, samples(pattern)[2])
    fault = only_fault_of_key(faults_of(tmp_path, text, variables_without(pattern)), pattern)
    assert (fault.code, fault.origin.line) == (Code.WRONG_TYPE, line)


@each_key
def test_a_value_that_means_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    text, line = file_with(pattern, samples(pattern)[3])
    fault = only_fault_of_key(faults_of(tmp_path, text, variables_without(pattern)), pattern)
    assert fault.code in {Code.BAD_VALUE, Code.WRONG_TYPE}
    assert fault.origin.line == line


@pytest.mark.parametrize("pattern", [pattern for pattern in KEYS if pattern not in ANYTHING])
def test_a_variable_that_means_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    environ = variables_without(pattern) | {variable(pattern): "?"}
    fault = only_fault_of_key(faults_of(tmp_path, "", environ), pattern)
    assert fault.origin.source == f"${variable(pattern)}"


LIMITS = [
    (pattern, side, limit)
    for pattern, key in KEYS.items()
    for side, limit in (("at least", key.at_least), ("at most", key.at_most))
    if limit is not None and not (side == "at least" and limit == 0 and key.kind.noun in {"a duration", "a size"})
]


@pytest.mark.parametrize(("pattern", "side", "limit"), LIMITS)
def test_its_limit_is_in_range_and_what_lies_beyond_is_not(
    tmp_path: Path, pattern: str, side: str, limit: float
) -> None:
    key = KEYS[pattern]
    assert key.read(tomllib.loads(f"value = {key.kind.show(limit)}")["value"]) == limit
    step = {"a duration": 0.001, "a number": 0.01}.get(key.kind.noun, 1)
    beyond = key.kind.show(limit - step if side == "at least" else limit + step)
    text, line = file_with(pattern, beyond)
    fault = only_fault_of_key(faults_of(tmp_path, text, variables_without(pattern)), pattern)
    assert (fault.code, fault.origin.line) == (Code.OUT_OF_RANGE, line)
    assert fault.remedy == f"{side} {key.kind.show(limit)}"


@each_key
def test_a_misspelling_of_it_is_refused_and_corrected(tmp_path: Path, pattern: str) -> None:
    name = pattern.rpartition(".")[2]
    text, line = file_with(pattern, samples(pattern)[1], name=f"{name}x")
    faults = faults_of(tmp_path, text, variables_without(pattern))
    fault = next(fault for fault in faults if fault.code is Code.UNKNOWN_KEY)
    assert fault.key == (*concrete(pattern)[:-1], f"{name}x")
    assert (fault.remedy, fault.origin.line) == (f"rename to `{name}`", line)


def test_the_faults_of_all_keys_are_reported_at_once(tmp_path: Path) -> None:
    sections: dict[tuple[str, ...], list[str]] = {(): []}
    for pattern in KEYS:
        if pattern not in aliases():
            *arrays, own_name = pattern.split("[].")
            section = sections.setdefault(tuple(arrays), [header(arrays)])
            section.append(f"{own_name.replace('.*', DOMAIN)} = {samples(pattern)[2]}")
    faults = faults_of(tmp_path, "\n".join(line for section in sections.values() for line in section))
    refused = {fault.key for fault in faults if fault.code is Code.WRONG_TYPE}
    assert refused == {concrete(pattern) for pattern in KEYS if pattern not in aliases()}, as_text(faults)


def samples(pattern: str) -> tuple[str, str, str, str]:
    """Return a value as text and as TOML, one of a wrong type, one that means nothing."""
    if pattern in CHOICES:
        return CHOICES[pattern], f'"{CHOICES[pattern]}"', "[]", '"nonsense"'
    if KEYS[pattern].kind.noun == "true or false" and defaults()[pattern] is True:
        return "false", "false", '"false"', "0"
    return OWN_SAMPLES[pattern] if pattern in OWN_SAMPLES else SAMPLES[KEYS[pattern].kind.noun]


DOMAIN = '."example.com"'


def file_with(pattern: str, value: str, *, name: str = "") -> tuple[str, int]:
    """Return a file that sets one key, and the line that does."""
    *arrays, own_name = pattern.split("[].")
    table, _, last = own_name.rpartition(".")
    lines = ["# a comment"]
    if not arrays and table:
        lines.append(f"[{table.replace('.*', DOMAIN)}]")
        own_name, table = last, ""
    for depth in range(1, len(arrays) + 1):
        lines.append(header(arrays[:depth]))
        for key, text in BESIDE.get(pattern, {}).items():
            *within, beside = key.split("[].")
            lines += [f'{beside} = "{text}"'] if within == arrays[1:depth] else []
    lines.append(f"{f'{table}.{name}'.lstrip('.') if name else own_name} = {value}")
    return "\n".join(lines), len(lines)


def header(arrays: list[str]) -> str:
    """Return the line that begins an element of an array of tables, which may lie in one of another array."""
    return f"[[{'.'.join(arrays)}]]"


def variable(pattern: str) -> str:
    """Return the variable of a key: of the first listener, of one domain."""
    steps = (str(step) for step in concrete(pattern))
    return "EMPATH_" + "__".join(step if step == "example.com" else step.upper() for step in steps)


def variables_without(pattern: str) -> dict[str, str]:
    """Return the variables that every live installation needs, but not the one of this key."""
    needed = LIVE | ALSO.get(pattern, {})
    return {name: value for name, value in needed.items() if name != variable(pattern)}


def concrete(pattern: str) -> tuple[str | int, ...]:
    """Return the path of a key: of the first listener, of one domain."""
    steps = split_key(pattern.replace("[]", ".0").replace(".*", DOMAIN))
    return tuple(0 if step == "0" else step for step in steps)


def arrives(config: object, pattern: str, toml: str) -> bool:
    """Tell whether the attribute of a key holds this value, and the value is another one than the default."""
    real = aliases().get(pattern, pattern)
    expected = KEYS[pattern].read(tomllib.loads(f"value = {toml}")["value"])
    return bool(attribute(config, real) == expected) and (expected != defaults()[real] or pattern in ONE_CHOICE)


def attribute(config: object, pattern: str) -> object:
    """Return what stands in the attribute of a key."""
    here: Any = config
    for step in concrete(pattern):
        if isinstance(step, int):
            here = here[step]
        elif isinstance(here, dict):
            here = next(value for domain, value in here.items() if domain.ascii == step)
        else:
            names = (step, f"{step}_s", f"{step}_bytes", f"{step}_bytes_per_s")
            name = next(name for name in names if hasattr(here, name))
            here = getattr(here, name)
    value: object = here
    return value


def only_fault_of_key(faults: tuple[Fault, ...], pattern: str) -> Fault:
    """Return the one error that is about a key, or about an element of its list."""
    path = concrete(pattern)
    (fault,) = (fault for fault in faults if fault.is_error and fault.key[: len(path)] == path)
    return fault
