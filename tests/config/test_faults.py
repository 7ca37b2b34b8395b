"""Each kind of fault as an operator reads it, word by word."""

import json
from pathlib import Path

import pytest

from empath.config import Code, ConfigError, Fault, Origin, Severity, Sources, as_json, as_text, dotted, load
from tests.config.sources import LIVE, faults_of, write


def cases() -> list[tuple[str, str, str]]:
    """Return code, text and report of each case in ``faults.txt``.

    The text follows the two lines of a live configuration. In the report FILE is the path; the count is left out.
    """
    blocks = Path(__file__).with_name("faults.txt").read_text().split("=== ")[1:]
    split = [block.partition("\n---\n") for block in blocks]
    return [(code, text, report.rstrip("\n")) for head, _, report in split for code, _, text in [head.partition("\n")]]


@pytest.mark.parametrize(("code", "text", "report"), cases())
def test_a_fault_says_what_and_where_and_why_and_what_to_try(tmp_path: Path, code: str, text: str, report: str) -> None:
    (fault,) = faults_of(tmp_path, f"{LIVE}{text}\n")
    assert fault.code == code
    assert paragraph(fault, tmp_path) == report


def test_a_file_without_mode_is_told_to_choose(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, 'hostname = "mx.example.org"')
    assert (
        paragraph(fault, tmp_path)
        == """\
error[CFG013] mode: not set                                                 FILE
   why  only you know whether mail from here may leave this machine
   try  mode = "live", or mode = "sandbox" to keep all mail here"""
    )


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(Sources(file=tmp_path / "nowhere.toml", is_root=True))
    assert (
        str(refused.value)
        == f"""\
error[CFG001] cannot read this: no such file or directory                   {tmp_path}/nowhere.toml
   why  what it says is unknown, and it was meant to be obeyed       try  check the path, and who may read it
1 error. Not loaded."""
    )


def test_a_variable_that_names_no_key_is_a_warning_for_it_may_belong_to_others(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, LIVE, {"EMPATH_PORT": "tcp://192.0.2.1:25"})
    assert (
        paragraph(fault, tmp_path)
        == """\
warn [CFG021] $EMPATH_PORT names no key
   why  it looks like ours, and tables and keys are joined by two underscores
   try  the top level has mode, hostname, user, spool, relay, smtp, delivery, capture, shutdown, http, metrics, \
tracing, health, api, audit, log"""
    )


def test_a_host_name_that_nobody_will_believe_is_a_warning(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, 'mode = "live"\nhostname = "laptop"')
    assert (
        paragraph(fault, tmp_path)
        == """\
warn [CFG033] hostname: "laptop" is no full name of a host                  FILE:2
   why  many hosts refuse mail from a name that DNS does not know
   try  set hostname to the name that DNS has for this host, such as "mail.example.org\""""
    )


def test_each_rule_that_does_not_do_what_it_says_is_a_fault(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nclass = "ham"\n[[rules]]\nclass = "spam"\n')
    first, second = faults_of(tmp_path, f'{LIVE}delivery.rules_file = "{rules}"\n')
    assert first.what.startswith(f"{rules}: rule 1: class is 'ham' and should be one of: bad_mailbox, ")
    assert (
        paragraph(second, tmp_path).replace(str(tmp_path), "DIR")
        == """\
error[CFG024] delivery.rules_file: DIR/rules.toml: rule 2: it needs examples and counterexamples, at least one of each\
  FILE:3
   why  failures would be called something else than you meant       try  docs/reports.rst says how rules are written"""
    )


def test_every_code_has_its_text_here() -> None:
    elsewhere = {Code.UNREADABLE, Code.IGNORED_VARIABLE, Code.HOSTNAME, Code.RULES_FILE, Code.UNUSABLE, Code.EXPOSED}
    assert {Code(code) for code, _, _ in cases()} | elsewhere == set(Code)


def test_errors_come_before_warnings_and_are_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'mode = "live"\nhostname = "laptop"\ndelivery.max_attempts = 25\n[smtp.limits]\nmax_errors = 0\nmax_hop = 1\n',
    )
    with pytest.raises(ConfigError) as refused:
        load(Sources(file=path, is_root=True))
    lines = [line for line in str(refused.value).splitlines() if not line.startswith("   ")]
    assert [line.rpartition(":")[2] for line in lines[:-1]] == ["5", "6", "2", "3"]
    assert lines[-1] == "2 errors, 2 warnings. Not loaded."


def test_warnings_alone_do_not_keep_a_configuration_from_being_used(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, 'mode = "live"\nhostname = "laptop"\n')
    assert as_text(faults).splitlines()[-1] == "1 warning."


def test_no_faults_are_no_text() -> None:
    assert as_text(()) == ""


def test_programs_get_the_same_as_json(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, f"{LIVE}delivery.max_attempts = 25\nmax_hop = 1\n")
    report = json.loads(as_json(faults))
    assert report["schema"] == "empath.config-check/1"
    assert report["ok"] is False
    assert report["faults"][0] == {
        "code": "CFG014",
        "severity": "error",
        "key": "max_hop",
        "source": str(tmp_path / "empath.toml"),
        "line": 4,
        "what": "unknown key",
        "why": "a misspelled key would leave the default in force, without a word",
        "try": faults[0].remedy,
    }
    assert report["faults"][1]["severity"] == "warning"
    assert report["faults"][1]["key"] is None


def test_a_report_of_warnings_is_ok_as_json() -> None:
    warning = Fault(code=Code.HOSTNAME, severity=Severity.WARNING, what="a", why="b", remedy="c")
    assert json.loads(as_json([warning]))["ok"] is True


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("smtp", "listeners", 0, "tls"), "smtp.listeners[0].tls"),
        (("delivery", "domains", "gmail.com", "rate_limit"), 'delivery.domains."gmail.com".rate_limit'),
        (("a b", 'c"d'), '"a b"."c\\"d"'),
    ],
)
def test_keys_are_shown_as_toml_writes_them(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


def test_a_place_is_shown_as_editors_read_it() -> None:
    assert str(Origin("conf/empath.toml", 41)) == "conf/empath.toml:41"


def paragraph(fault: Fault, directory: Path) -> str:
    """Return the lines of one fault, as if the file had a short path."""
    short = str(directory / "empath.toml")
    evolved = Fault(
        code=fault.code,
        severity=fault.severity,
        key=fault.key,
        what=fault.what,
        why=fault.why.replace(short, "FILE"),
        remedy=fault.remedy,
        origin=Origin(fault.origin.source.replace(short, "FILE"), fault.origin.line),
    )
    return as_text([evolved]).rpartition("\n")[0]
