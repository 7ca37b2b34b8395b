"""``empath user add|remove|list|check``."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from empath.cli.main import main
from empath.cli.users_file import UsersFile
from empath.ingress.logins.credentials import PasswordHash, parse_users


@frozen
class Place:
    """A directory with a file of users in it, or none yet."""

    directory: Path

    @property
    def file(self) -> Path:
        return self.directory / "users"

    def run(self, command: str, *arguments: str, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(main, ["user", command, "--file", str(self.file), *arguments], input=stdin)

    def add(self, login: str, password: bytes = b"secret", *options: str) -> Result:
        return self.run("add", login, *options, stdin=password + b"\n")

    def logins(self) -> list[str]:
        return list(parse_users(self.file.read_bytes()))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_user_that_was_added_can_be_checked_and_listed(place: Place) -> None:
    result = place.add("Ann@example.org")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"ann@example.org can log in, by {place.file}\n"
    assert place.run("check", "ann@example.org", stdin=b"secret\n").exit_code == 0
    assert place.run("list").stdout == "ann@example.org\targon2id\n"


def test_the_file_is_for_its_owner_only_and_holds_no_password(place: Place) -> None:
    place.add("ann")
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o600
    place.file.chmod(0o644)
    place.add("bob")
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o600
    assert b"secret" not in place.file.read_bytes()
    assert [path.name for path in place.directory.iterdir()] == ["users"]


def test_a_wrong_password_and_a_missing_user_have_statuses_of_their_own(place: Place) -> None:
    place.add("ann")
    wrong = place.run("check", "ann", stdin=b"other\n")
    assert (wrong.exit_code, wrong.stdout) == (os.EX_NOPERM, "")
    assert "error[USR006] this is not the password of ann" in wrong.stderr
    missing = place.run("check", "eve", stdin=b"other\n")
    assert missing.exit_code == os.EX_NOUSER
    assert "error[USR004] there is no user eve" in missing.stderr


def test_a_user_that_is_there_is_replaced_only_if_that_is_asked_for(place: Place) -> None:
    place.add("ann")
    again = place.add("ANN", b"changed")
    assert again.exit_code == os.EX_DATAERR
    assert "try  `--replace` gives this user a new password" in again.stderr
    assert place.run("check", "ann", stdin=b"secret\n").exit_code == 0
    assert place.add("ann", b"changed", "--replace").exit_code == 0
    assert place.run("check", "ann", stdin=b"changed\n").exit_code == 0
    assert place.run("check", "ann", stdin=b"secret\n").exit_code == os.EX_NOPERM


def test_comments_and_order_stay_as_they_are(place: Place) -> None:
    for login in ("ann", "bob", "carl"):
        place.add(login)
    lines = place.file.read_bytes().splitlines(keepends=True)
    place.file.write_bytes(b"# people\n" + lines[0] + b"\n" + lines[1] + b"# more\n" + lines[2])
    place.add("bob", b"changed", "--replace")
    place.run("remove", "ann")
    changed = place.file.read_bytes().splitlines(keepends=True)
    assert [changed[0], changed[1], changed[3], changed[4]] == [b"# people\n", b"\n", b"# more\n", lines[2]]
    assert changed[2].startswith(b"bob:")
    assert place.logins() == ["bob", "carl"]


def test_removing_somebody_who_is_not_there_is_an_error(place: Place) -> None:
    place.add("ann")
    assert place.run("remove", "eve").exit_code == os.EX_NOUSER
    assert place.run("remove", "ANN").exit_code == 0
    assert place.run("remove", "ann").exit_code == os.EX_NOUSER
    assert place.file.read_bytes() == b""


def test_scram_keys_fit_the_password(place: Place) -> None:
    assert place.add("ann", b"secret", "--scram").exit_code == 0
    assert place.run("check", "ann", stdin=b"secret\n").exit_code == 0
    listed = json.loads(place.run("list", "--json").stdout)
    assert listed == {
        "schema": "empath.user-list/1",
        "file": str(place.file),
        "users": [{"login": "ann", "kind": "scram-sha-256"}],
    }


def test_a_password_that_scram_has_no_form_of_is_refused(place: Place) -> None:
    assert place.add("ann", b"a\x07b", "--scram").exit_code == os.EX_DATAERR
    assert not place.file.exists()


@pytest.mark.parametrize("password", [b"", b"a\0b", b"\xff", b"x" * 1025])
def test_what_cannot_be_a_password_is_refused(place: Place, password: bytes) -> None:
    result = place.add("ann", password)
    assert result.exit_code == os.EX_DATAERR
    assert "error[USR005]" in result.stderr
    assert not place.file.exists()


@pytest.mark.parametrize("login", ["", "a b", "a:b", "*", "#ann", "x" * 300])
def test_what_cannot_be_a_login_is_refused(place: Place, login: str) -> None:
    result = place.add(login)
    assert result.exit_code == os.EX_DATAERR
    assert "cannot be a login" in result.stderr


@pytest.mark.parametrize("command", ["list", "add", "remove", "check"])
def test_a_file_that_cannot_be_understood_is_left_alone(place: Place, command: str) -> None:
    place.file.write_bytes(b"ann:hunter2\n")
    result = place.run(command, *([] if command == "list" else ["bob"]), stdin=b"secret\n")
    assert result.exit_code == os.EX_DATAERR
    assert "line 1: the credential cannot be used" in result.stderr
    assert "hunter2" not in result.stderr
    assert place.file.read_bytes() == b"ann:hunter2\n"


def test_a_directory_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    result = Place(tmp_path / "missing").add("ann")
    assert result.exit_code == os.EX_CANTCREAT
    assert "error[USR001] cannot write " in result.stderr


def test_a_link_to_the_file_stays_a_link(place: Place) -> None:
    real = place.directory / "real"
    place.file.symlink_to(real)
    place.add("ann")
    assert place.file.is_symlink()
    assert list(parse_users(real.read_bytes())) == ["ann"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_the_file_to_its_owner(place: Place) -> None:
    place.add("ann")
    os.chown(place.file, 12345, 12346)
    place.add("bob")
    made = place.file.stat()
    assert (made.st_uid, made.st_gid) == (12345, 12346)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_gives_a_new_file_to_the_user_of_the_daemon(tmp_path: Path) -> None:
    config = configure(tmp_path, f'users_file = "{tmp_path}/users"', top='user = "nobody"\n')
    assert CliRunner().invoke(main, ["user", "add", "ann", "--config", str(config)], input=b"secret\n").exit_code == 0
    assert (tmp_path / "users").owner() == "nobody"


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(place: Place) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from empath.cli.main import main; main()"]
    with subprocess.Popen(
        [*command, "user", "add", "ann", "--file", str(place.file)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        os.close(theirs)
        seen = b""
        for question in (b"New password: ", b"Repeat for confirmation: "):
            while question not in seen:
                seen += os.read(ours, 1024)
            os.write(ours, b"secret\n")
        assert process.wait(timeout=30) == 0
    assert b"secret" not in seen + os.read(ours, 1024)
    os.close(ours)
    assert place.run("check", "ann", stdin=b"secret\n").exit_code == 0


def test_commands_at_once_lose_nothing(place: Place) -> None:
    credential = PasswordHash.make("secret", bytes(16))
    # The runner replaces the standard streams of the whole process, so the file is changed without it.
    threads = [
        threading.Thread(target=UsersFile(place.file).change, args=(lambda _, n=number: {f"user{n}": credential},))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(place.logins()) == sorted(f"user{number}" for number in range(20))


def configure(directory: Path, *listeners: str, top: str = "") -> Path:
    config = directory / "empath.toml"
    tls = 'tls = "implicit"\nstarttls = { cert_file = "/dev/null", key_file = "/dev/null" }\nauth = "required"\n'
    text = "".join(
        f'[[smtp.listeners]]\nlisten_addr = "127.0.0.1:{number}"\n{tls}{listener}\n'
        for number, listener in enumerate(listeners, start=4650)
    )
    config.write_text(f'mode = "sandbox"\n{top}{text or "[[smtp.listeners]]"}\n')
    return config


def test_the_configuration_says_which_file_it_is(tmp_path: Path) -> None:
    config = configure(tmp_path, f'users_file = "{tmp_path}/a"', f'users_file = "{tmp_path}/a"')
    run = ["user", "add", "ann", "--config", str(config)]
    assert CliRunner().invoke(main, run, input=b"secret\n").exit_code == 0
    assert list(parse_users((tmp_path / "a").read_bytes())) == ["ann"]


def test_a_configuration_with_no_file_or_with_several_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    nothing = configure(tmp_path)
    result = CliRunner().invoke(main, ["user", "list", "--config", str(nothing)])
    assert result.exit_code == os.EX_CONFIG
    assert "error[USR002] the configuration names no users_file" in result.stderr
    several = configure(tmp_path, f'users_file = "{tmp_path}/a"', f'users_file = "{tmp_path}/b"')
    result = CliRunner().invoke(main, ["user", "list", "--config", str(several)])
    assert result.exit_code == os.EX_CONFIG
    assert f"try  name one by --file: {tmp_path}/a, {tmp_path}/b" in result.stderr


def test_a_list_of_nobody_says_where_it_looked(place: Place) -> None:
    result = place.run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"there are no users in {place.file}\n"
