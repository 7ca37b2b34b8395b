"""Hooks in a configuration: which there are, and what each of them may be told."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from empath.config import Code, ConfigError, Fault, Sources, load
from empath.config.plugged import installed
from tests.config.sources import LIVE, write

HOOKS = {
    name: EntryPoint(name, f"tests.hooks.examples:{target}", "empath.hooks")
    for name, target in (("words", "Words"), ("empty", "NoSettingsClass"), ("gone", "Vanished"))
}
BODY = f"{LIVE}[[smtp.hooks]]\n"


def faults_of(directory: Path, text: str) -> tuple[Fault, ...]:
    try:
        return load(Sources(file=write(directory, text), is_root=True, hooks=lambda: HOOKS)).warnings
    except ConfigError as error:
        return error.faults


def test_what_the_box_holds_is_installed() -> None:
    assert {"dnsbl", "rspamd"} <= set(installed())


def test_a_package_brings_a_hook_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "tea_hooks-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tea-hooks\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[empath.hooks]\ntea = tests.hooks.examples:Words\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    text = f'{BODY}name = "tea"\nsettings.most = 2\n'
    (hook,) = load(Sources(file=write(tmp_path, text), is_root=True)).config.smtp.hooks
    assert hook.name == "tea"


def test_a_hook_with_settings_it_knows_is_taken(tmp_path: Path) -> None:
    assert faults_of(tmp_path, f'{BODY}name = "words"\nsettings.words = ["pills"]\nsettings.most = 2\n') == ()


def test_without_hooks_nobody_asks_which_there_are(tmp_path: Path) -> None:
    def fail() -> dict[str, EntryPoint]:
        raise AssertionError("asked")

    load(Sources(file=write(tmp_path, LIVE), is_root=True, hooks=fail))


WRONG = [
    ("", Code.MISSING, "name", "not set", 'installed are "empty", "gone", "words"'),
    ('name = "wrods"', Code.BAD_VALUE, "name", 'there is no hook "wrods"', 'write "words"'),
    ('name = "gone"', Code.BAD_VALUE, "name", '"gone" cannot be loaded: AttributeError', "repair or remove"),
    ('name = "empty"', Code.BAD_VALUE, "name", '"empty" cannot be loaded: AttributeError', "repair or remove"),
    ('name = "words"\nsettings.wrods = []', Code.UNKNOWN_KEY, "wrods", "unknown setting", "words, most"),
    ('name = "words"\nsettings.wrods = []', Code.UNKNOWN_KEY, "wrods", "unknown setting", "rename to `words`"),
    ('name = "words"\nsettings.most = 0', Code.OUT_OF_RANGE, "most", "0 is out of range", "at least 1"),
    ('name = "words"\nsettings.most = "3"', Code.WRONG_TYPE, "most", "expected a whole number", "without quotes"),
    ('name = "words"\nsettings.words = [7]', Code.WRONG_TYPE, "0", "expected a text", "in quotes"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong[0] or "no name")
def test_what_is_wrong_is_told_with_its_place_and_what_there_is(
    tmp_path: Path, wrong: tuple[str, Code, str, str, str]
) -> None:
    text, code, key, what, tell = wrong
    (fault,) = faults_of(tmp_path, f"{BODY}{text}\n")
    assert fault.code is code
    assert fault.key[:3] == ("smtp", "hooks", 0)
    assert str(fault.key[-1]) == key
    assert what in fault.what
    assert tell in f"{fault.why} {fault.remedy}"
    assert fault.origin.line is not None


def test_all_faults_of_all_hooks_are_told_at_once(tmp_path: Path) -> None:
    text = f'{BODY}name = "words"\nsettings = {{ a = 1, most = -1, words = [1, 2] }}\n[[smtp.hooks]]\nname = "tea"\n'
    assert len(faults_of(tmp_path, text)) == 5


def test_a_list_hook_without_lists_is_refused(tmp_path: Path) -> None:
    (fault,) = load_faults(tmp_path, f'{BODY}name = "dnsbl"\n')
    assert (fault.code, fault.key[-1]) == (Code.MISSING, "zones")


@pytest.mark.parametrize(
    "settings",
    [
        'name = "dnsbl"\nsettings.zones = ["bl..example"]',
        'name = "dnsbl"\nsettings.zones = ["bl.example=10.0.0.1"]',
        'name = "dnsbl"\nsettings = { zones = ["bl.example"], stage = "data" }',
        'name = "rspamd"\nsettings.url = "http://rspamd.example:11333"',
        'name = "rspamd"\nsettings.url = "rspamd"',
    ],
)
def test_settings_that_could_not_work_are_refused(tmp_path: Path, settings: str) -> None:
    (fault,) = load_faults(tmp_path, f"{BODY}{settings}\n")
    assert fault.code is Code.BAD_VALUE


def load_faults(directory: Path, text: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        load(Sources(file=write(directory, text), is_root=True))
    return caught.value.faults
