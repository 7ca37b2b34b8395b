import json
import logging
import sys

import pytest

from empath.config.schema import LogFormat
from empath.ops.logbook.formats import JournalFormatter, JsonFormatter, LogfmtFormatter, formatter


def record(text: str = "6911c5b5-2a accepted", *, failed: bool = False) -> logging.LogRecord:
    try:
        raise ValueError("a fault\nof ours")
    except ValueError:
        failure = sys.exc_info() if failed else None
    made = logging.LogRecord("empath.mail", logging.WARNING, "x.py", 1, "%s", (text,), failure)
    made.created = 1_762_774_271.402
    return made


def test_logfmt_has_time_level_part_and_text() -> None:
    assert LogfmtFormatter().format(record()) == "2025-11-10T11:31:11.402Z warning mail 6911c5b5-2a accepted"


def test_the_journal_gets_a_priority_and_keeps_its_own_time() -> None:
    assert JournalFormatter().format(record()) == "<4>warning mail 6911c5b5-2a accepted"


def test_json_has_the_same_as_fields() -> None:
    assert json.loads(JsonFormatter().format(record())) == {
        "time": "2025-11-10T11:31:11.402Z",
        "level": "warning",
        "logger": "mail",
        "message": "6911c5b5-2a accepted",
    }


@pytest.mark.parametrize("made", [LogfmtFormatter(), JournalFormatter(), JsonFormatter()])
def test_a_record_is_one_line_whatever_is_in_it(made: logging.Formatter) -> None:
    line = made.format(record("evil\r\n2025 info mail forged \x1b[2J", failed=True))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "ValueError: a fault" in line


@pytest.mark.parametrize(
    ("wanted", "in_journal", "is_piped", "made"),
    [
        (LogFormat.AUTO, False, False, LogfmtFormatter),
        (LogFormat.AUTO, False, True, JsonFormatter),
        (LogFormat.AUTO, True, True, JournalFormatter),
        (LogFormat.LOGFMT, False, True, LogfmtFormatter),
        (LogFormat.LOGFMT, True, True, JournalFormatter),
        (LogFormat.JSON, False, False, JsonFormatter),
        (LogFormat.JSON, True, True, JsonFormatter),
    ],
)
def test_auto_looks_who_reads_and_the_others_do_not(
    wanted: LogFormat, in_journal: bool, is_piped: bool, made: type
) -> None:
    assert type(formatter(wanted, in_journal=in_journal, is_piped=is_piped)) is made


@pytest.mark.parametrize("made", [LogfmtFormatter(), JournalFormatter(), JsonFormatter()])
def test_a_line_has_an_end_whoever_wrote_it(made: logging.Formatter) -> None:
    line = made.format(record("x" * 100_000))
    assert 8000 < len(line) < 8200
    assert "(and 92000 characters more)" in line
