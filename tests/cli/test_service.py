"""``empath service print``: units for this installation, and a no where no service could start from."""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from empath.cli.main import main
from empath.cli.service.reach import obstacle
from empath.cli.service.units import for_system, for_user
from tests.peers import needs
from tests.process.test_unit import run

PROGRAM = PurePath("/opt/pipx/venvs/empath-mta/bin/empath")
SERVICE = PurePath("/etc/systemd/system/empath.service")
CONF = Path(__file__).parents[2] / "conf" / "systemd"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can reach. The one that pytest gives to a test is closed."""
    with TemporaryDirectory() as directory:
        found = Path(directory)
        found.chmod(0o755)
        yield found


@pytest.fixture
def installed(place: Path) -> Path:
    """A program that everybody can run."""
    program = place / "bin" / "empath"
    program.parent.mkdir(mode=0o755)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_what_is_shipped_is_what_is_printed_for_the_usual_place() -> None:
    printed = for_system(PurePath("/usr/local/bin/empath"), version=252)
    assert set(printed.values()) == {path.read_text() for path in CONF.iterdir()}


def test_the_program_is_the_one_of_this_installation() -> None:
    text = for_system(PROGRAM, version=252)[SERVICE]
    assert f"ExecStart={PROGRAM} serve --config /etc/empath/empath.toml\n" in text
    assert "/usr/local/bin" not in text


def test_a_place_with_spaces_and_percent_signs_is_one_word_to_systemd() -> None:
    text = for_system(PurePath('/opt/my "100%" tools/empath'), version=252)[SERVICE]
    assert 'ExecStart="/opt/my \\"100%%\\" tools/empath" serve' in text


def test_a_systemd_that_waits_for_reloads_is_told_to() -> None:
    older, newer = (for_system(PROGRAM, version=version)[SERVICE] for version in (252, 253))
    assert "Type=notify\n" in older
    assert "ExecReload=/bin/kill -HUP $MAINPID\n" in older
    assert "Type=notify-reload\n" in newer
    assert "ExecReload" not in newer


@needs("systemd-analyze")
@pytest.mark.parametrize("name", ["empath.service", "user.service"])
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    # Type=notify-reload is not known to the systemd of Debian 12.
    made = for_system if name == "empath.service" else for_user
    (text, *_) = made(PurePath("/bin/true"), version=252).values()
    (tmp_path / name).write_text(text.replace("Requires=empath.socket\n", ""))
    assert run("systemd-analyze", "verify", f"./{name}", directory=tmp_path) == ""


def test_a_program_in_a_closed_home_is_out_of_reach(installed: Path) -> None:
    assert obstacle(installed) is None
    installed.parent.chmod(0o700)
    assert obstacle(installed) == f"the directory {installed.parent} is closed to other users (mode 0700)"
    installed.parent.chmod(0o755)
    installed.chmod(0o700)
    assert obstacle(installed) == f"the file {installed} is closed to other users (mode 0700)"
    assert "No such file" in str(obstacle(installed.parent / "none"))


def test_an_interpreter_in_a_closed_home_is_out_of_reach_as_well(installed: Path, place: Path) -> None:
    hidden = place / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "python").symlink_to("/bin/sh")
    installed.write_text(f"#!{hidden / 'python'}\n")
    assert obstacle(installed) == f"the directory {hidden} is closed to other users (mode 0700)"


def test_the_way_of_a_link_counts_and_so_does_where_it_leads(installed: Path, place: Path) -> None:
    link = place / "empath"
    link.symlink_to(installed)
    assert obstacle(link) is None
    installed.parent.chmod(0o700)
    assert obstacle(link) is not None


def test_all_files_are_written_where_they_belong(installed: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    options = ("--program", str(installed), "--systemd-version", "252", "--into", str(root))
    done = CliRunner().invoke(main, ["service", "print", "systemd", *options])
    assert done.exit_code == 0, done.output
    assert f"ExecStart={installed} serve" in (root / "etc/systemd/system/empath.service").read_text()
    assert sorted(done.output.split()) == sorted(str(path) for path in root.rglob("*") if path.is_file())


def test_what_could_not_start_is_refused_with_a_way_out(installed: Path) -> None:
    installed.parent.chmod(0o700)
    done = CliRunner().invoke(main, ["service", "print", "systemd", "--program", str(installed)])
    assert done.exit_code == 69
    assert "SRV012" in done.stderr
    assert "pipx install --global" in done.stderr


def test_a_user_may_run_what_is_his_own(installed: Path) -> None:
    installed.parent.chmod(0o700)
    done = CliRunner().invoke(main, ["service", "print", "systemd", "--user", "--program", str(installed)])
    assert done.exit_code == 0
    assert f"ExecStart={installed} serve" in done.stdout


def test_without_a_word_it_is_this_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/empath"])
    done = CliRunner().invoke(main, ["service", "print", "systemd", "--user"])
    assert "ExecStart=/somewhere/bin/empath serve" in done.stdout
