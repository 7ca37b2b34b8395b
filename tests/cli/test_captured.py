"""``empath captured list`` and ``empath captured show``."""

import json
import os
from pathlib import Path

import pytest

from empath.world import TcpEndpoint
from tests.cli.conftest import Sandbox

SENT = b"Received: by x with ESMTP id 6911c5b5-2a; Mon\r\nSubject: \x1b[31mred\r\n\tblack\r\n\r\nHello \x07\xff.\r\n"


@pytest.fixture
def filled(sandbox: Sandbox) -> Sandbox:
    for recipient in ("ann@example.org", "eve@example.com"):
        options = ["--from", "bob@example.com", "--to", recipient, "--file", "-"]
        assert sandbox.run("send", *options, stdin=SENT).exit_code == 0
    return sandbox


def test_in_a_pipe_the_list_is_fields_between_tabs_and_nothing_else(filled: Sandbox) -> None:
    result = filled.run("captured list")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [[row[0], *row[2:]] for row in rows] == [
        ["1", "bob@example.com", "ann@example.org", str(len(SENT)), r"\x1b[31mred black"],
        ["2", "bob@example.com", "eve@example.com", str(len(SENT)), r"\x1b[31mred black"],
    ]
    assert all(len(row[1]) == len("2025-11-10T12:00:00Z") for row in rows)


def test_json_has_every_record_and_where_the_messages_lie(filled: Sandbox) -> None:
    result = filled.run("captured list", "--json")
    listed = json.loads(result.stdout)
    assert (listed["schema"], listed["directory"]) == ("empath.captured-list/1", str(filled.archive))
    assert [message["recipients"] for message in listed["messages"]] == [["ann@example.org"], ["eve@example.com"]]
    assert Path(listed["messages"][0]["file"]).read_bytes() == SENT


def test_show_prints_the_envelope_and_the_message_without_steering_the_terminal(filled: Sandbox) -> None:
    result = filled.run("captured show", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "to      ann@example.org\n" in result.stdout
    assert "mid     6911c5b5-2a\n" in result.stdout
    assert f"file    {filled.archive}/000001.eml\n" in result.stdout
    assert result.stdout.endswith("\nSubject: \\x1b[31mred\n        black\n\nHello \\x07\\xff.\n")


def test_source_is_the_message_octet_for_octet(filled: Sandbox) -> None:
    assert filled.run("captured show", "2", "--source").stdout_bytes == SENT


def test_json_of_one_message_is_its_record(filled: Sandbox) -> None:
    record = json.loads(filled.run("captured show", "2", "--json").stdout)
    assert (record["schema"], record["number"], record["mid"]) == ("empath.captured/1", 2, "6911c5b5-2a")
    assert record["file"] == f"{filled.archive}/000002.eml"


def test_a_name_that_several_have_is_answered_with_their_numbers(filled: Sandbox) -> None:
    result = filled.run("captured show", "6911c5b5-2a")
    assert result.exit_code == os.EX_USAGE
    assert "try  name one by its number: 1, 2" in result.stderr


@pytest.mark.parametrize("name", ["3", "6911c5b5-2b", "../000001"])
def test_what_is_not_there_is_no_input(filled: Sandbox, name: str) -> None:
    result = filled.run("captured show", name)
    assert (result.exit_code, result.stdout) == (os.EX_NOINPUT, "")
    assert f"there is no captured message {name} in " in result.stderr


def test_source_and_json_exclude_each_other(filled: Sandbox) -> None:
    assert filled.run("captured show", "1", "--source", "--json").exit_code == os.EX_USAGE


def test_before_the_first_message_the_list_is_empty_and_says_where_it_looked(tmp_path: Path) -> None:
    nobody = Sandbox(tmp_path, TcpEndpoint("127.0.0.1", 1))
    nobody.configure()
    result = nobody.run("captured list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"nothing is captured in {nobody.archive}\n"
    assert json.loads(nobody.run("captured list", "--json").stdout)["messages"] == []


def test_a_live_configuration_still_finds_what_its_sandbox_captured(filled: Sandbox) -> None:
    filled.config_file.write_text(filled.config_file.read_text().replace('"sandbox"', '"live"'))
    assert len(filled.run("captured list").stdout.splitlines()) == 2


def test_an_archive_that_cannot_be_read_is_an_io_error(tmp_path: Path) -> None:
    nobody = Sandbox(tmp_path, TcpEndpoint("127.0.0.1", 1))
    nobody.configure()
    nobody.archive.parent.mkdir(parents=True)
    nobody.archive.write_text("a file where the directory should be")
    result = nobody.run("captured list")
    assert result.exit_code == os.EX_IOERR
    assert "error[CAP003] cannot list " in result.stderr
