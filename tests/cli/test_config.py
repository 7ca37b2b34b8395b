"""``empath config check``."""

import json
import os
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from empath.cli.main import main

GOOD = 'mode = "live"\nhostname = "mx.example.org"\n'


def check(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["config", "check", "--config", str(path), *options])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration file in which nothing is wrong."""
    path = tmp_path / "empath.toml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def without_own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a user who has configured nothing."""
    for name in [name for name in os.environ if name.startswith(("EMPATH_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_good_file_is_named_with_what_it_means(file: Path) -> None:
    result = check(file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{file}: can be used, mx.example.org in live mode\n"


def test_warnings_are_shown_and_cost_nothing(file: Path) -> None:
    file.write_text(f'{GOOD}delivery.retry_base_delay = "1s"\n')
    result = check(file)
    assert result.exit_code == 0
    assert result.stdout.startswith("warn [CFG031] ")
    assert "\n1 warning.\n" in result.stdout
    assert result.stdout.endswith("in live mode\n")


def test_everything_that_is_wrong_is_shown_with_its_line_and_status_78(file: Path) -> None:
    file.write_text(f"{GOOD}delivery.max_atempts = 3\n[spool]\npath = 7\n")
    result = check(file)
    assert result.exit_code == 78
    assert "error[CFG014] delivery.max_atempts: " in result.stdout
    assert f"{file}:3\n" in result.stdout
    assert "error[CFG010] spool.path: " in result.stdout
    assert "max_attempts" in result.stdout
    assert result.stdout.endswith("\n2 errors. Not loaded.\n")


def test_json_is_one_object_whatever_is_found(file: Path) -> None:
    assert json.loads(check(file, "--json").stdout) == {"schema": "empath.config-check/1", "ok": True, "faults": []}
    file.write_text(f"{GOOD}nonsense = 1\n")
    result = check(file, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (78, False)
    [fault] = report["faults"]
    assert (fault["code"], fault["key"], fault["line"]) == ("CFG014", "nonsense", 3)


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    result = check(tmp_path / "missing.toml")
    assert result.exit_code == 78
    assert "error[CFG001] " in result.stdout


@pytest.mark.usefixtures("without_own_settings")
def test_without_a_file_it_is_the_sandbox() -> None:
    result = CliRunner().invoke(main, ["config", "check"])
    assert result.exit_code == 0
    assert result.stdout.startswith("no configuration file: can be used, ")
    assert result.stdout.endswith(" in sandbox mode\n")


def test_a_wrong_command_line_has_the_status_of_one() -> None:
    assert CliRunner().invoke(main, ["config", "chekc"]).exit_code == 64


CERTIFICATE = '[[smtp.listeners]]\ntls = "implicit"\nstarttls = {{ cert_file = "{cert}", key_file = "{key}" }}\n'


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a certificate and of its key."""
    issued = trustme.CA().issue_cert("mx.example.org")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return cert, key


def test_a_certificate_with_its_key_is_good(file: Path, keys: tuple[Path, Path]) -> None:
    file.write_text(GOOD + CERTIFICATE.format(cert=keys[0], key=keys[1]))
    assert check(file).exit_code == 0


def test_a_certificate_that_the_daemon_could_not_use_is_found(file: Path, keys: tuple[Path, Path]) -> None:
    file.write_text(GOOD + CERTIFICATE.format(cert=keys[1], key=keys[0]))
    result = check(file)
    assert result.exit_code == 78
    assert f"error[CFG023] smtp.listeners[0].starttls.cert_file: cannot use {keys[1]} and {keys[0]}" in result.stdout
    assert f"{file}:5\n" in result.stdout
    assert result.stdout.endswith("\n1 error. Not loaded.\n")


def test_a_line_of_the_users_file_that_means_nothing_is_found(file: Path, keys: tuple[Path, Path]) -> None:
    users = file.parent / "users"
    users.write_text("# ours\nann:secret\n")
    login = f'auth = "required"\nusers_file = "{users}"\n'
    file.write_text(GOOD + CERTIFICATE.format(cert=keys[0], key=keys[1]) + login)
    result = check(file)
    assert result.exit_code == 78
    assert f"error[CFG023] smtp.listeners[0].users_file: {users}, line 2: " in result.stdout
    assert "secret" not in result.stdout


def test_a_user_that_does_not_exist_is_found(file: Path) -> None:
    file.write_text(f'{GOOD}user = "nobody-of-this-name"\n')
    result = check(file)
    assert result.exit_code == 78
    assert "error[CFG023] user: there is no user nobody-of-this-name on this machine" in result.stdout


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 0), (0o604, 2), (0o602, 2)])
def test_secrets_that_others_can_reach_are_warned_of(
    file: Path, keys: tuple[Path, Path], mode: int, warnings: int
) -> None:
    users = file.parent / "users"
    users.touch()
    for secret in (keys[1], users):
        secret.chmod(mode)
    login = f'auth = "required"\nusers_file = "{users}"\n'
    file.write_text(GOOD + CERTIFICATE.format(cert=keys[0], key=keys[1]) + login)
    result = check(file)
    assert result.exit_code == 0
    assert result.stdout.count("warn [CFG034]") == warnings
