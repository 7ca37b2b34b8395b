"""What holds for each key alike: file and environment can set it, and nothing that is no value of it gets through."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from empath.config import Code, Fault, as_text
from empath.config.lines import split_key
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
    "a rate": ("30/min", '"30/min"', "1.5", '"30/fortnight"'),
    "a host": ("[2001:db8::1]:26", '"[2001:db8::1]:26"', "25", '"mx..org"'),
    "an address with port": ("127.0.0.7:7000", '"127.0.0.7:7000"', "25", '"localhost:25"'),
    "a domain name": ("mx.example.net", '"mx.example.net"', "false", '"mx example"'),
}
# By key, where the kind alone does not tell.
OWN_SAMPLES = {
    "relay.from_networks": ("192.0.2.0/24, ::1", '["192.0.2.0/24", "::1"]', '"192.0.2.0/24"', '["x"]'),
    "relay.domains": ("example.net,example.com", '["example.net", "example.com"]', "7", '["a..b"]'),
    "delivery.dns.servers": ("192.0.2.1, [::1]:54", '["192.0.2.1", "[::1]:54"]', "{}", '["dns.example.org"]'),
    "api.allowed_origins": ("https://a.example", '["https://a.example"]', '"https://a.example"', "[7]"),
    "delivery.retry_jitter_factor": ("0.5", "0.5", "true", "inf"),
}
CHOICES = {
    "mode": "live",
    "smtp.listeners[].profile": "relay",
    "smtp.listeners[].tls": "implicit",
    "delivery.queue_backend": "sqlite",
    "delivery.tls.default_policy": "required",
    "audit.redact_sender": "hash",
    "audit.redact_recipients": "local",
    "log.level": "error",
    "log.format": "json",
}
ONE_CHOICE = {"smtp.listeners[].profile", "delivery.queue_backend"}
# What must stand beside a key so that it makes sense.
BESIDE = {
    "smtp.listeners[].tls": {"starttls.cert_file": "/dev/null", "starttls.key_file": "/dev/null"},
    "smtp.listeners[].starttls.cert_file": {"tls": "implicit", "starttls.key_file": "/dev/null"},
    "smtp.listeners[].starttls.key_file": {"tls": "implicit", "starttls.cert_file": "/dev/null"},
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
        environ[variable(f"smtp.listeners[].{name}")] = value
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


@pytest.mark.parametrize("pattern", [pattern for pattern in KEYS if pattern != "api.allowed_origins"])
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
    listener, text = "", ""
    for pattern in KEYS:
        if pattern not in aliases():
            text, listener = add(text, listener, pattern, samples(pattern)[2])
    faults = faults_of(tmp_path, f"{text}[[smtp.listeners]]\n{listener}")
    refused = {fault.key for fault in faults if fault.code is Code.WRONG_TYPE}
    assert refused == {concrete(pattern) for pattern in KEYS if pattern not in aliases()}, as_text(faults)


def add(text: str, listener: str, pattern: str, toml: str) -> tuple[str, str]:
    """Add a line to the text of the listener or to the one of all other keys, where dotted keys need no headers."""
    if pattern.startswith("smtp.listeners[]."):
        return text, f"{listener}{pattern.removeprefix('smtp.listeners[].')} = {toml}\n"
    return f"{text}{pattern.replace('.*', DOMAIN)} = {toml}\n", listener


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
    table, _, own_name = pattern.rpartition(".")
    header = f"[{table.replace('.*', DOMAIN)}]" if table else "# no table"
    beside = [f'{key} = "{text}"' for key, text in BESIDE.get(pattern, {}).items()]
    if pattern.startswith("smtp.listeners[]."):
        header, own_name = "[[smtp.listeners]]", pattern.removeprefix("smtp.listeners[].")
        name = name and f"{own_name.rpartition('.')[0]}.{name}".lstrip(".")
    return "\n".join(["# a comment", header, *beside, f"{name or own_name} = {value}"]), 3 + len(beside)


def variable(pattern: str) -> str:
    """Return the variable of a key: of the first listener, of one domain."""
    steps = (str(step) for step in concrete(pattern))
    return "EMPATH_" + "__".join(step if step == "example.com" else step.upper() for step in steps)


def variables_without(pattern: str) -> dict[str, str]:
    """Return the variables that every live installation needs, but not the one of this key."""
    return {name: value for name, value in LIVE.items() if name != variable(pattern)}


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
            name = next(name for name in (step, f"{step}_s", f"{step}_bytes") if hasattr(here, name))
            here = getattr(here, name)
    value: object = here
    return value


def only_fault_of_key(faults: tuple[Fault, ...], pattern: str) -> Fault:
    """Return the one error that is about a key, or about an element of its list."""
    path = concrete(pattern)
    (fault,) = (fault for fault in faults if fault.is_error and fault.key[: len(path)] == path)
    return fault
