from pathlib import Path

import pytest

from empath.app.reply_rules import RulesUnusable, read_rules
from empath.mail.failure_class import FailureClass


def test_rules_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(
        "[[rules]]\nclass = 'spam'\ntext = 'grüezi'\nexamples = ['550 Grüezi']\ncounterexamples = ['550 no']\n"
    )
    (rule,) = read_rules(file)
    assert rule.failure_class is FailureClass.SPAM


@pytest.mark.parametrize(("content", "complaint"), [(b"rules = 7", "[[rules]]"), (b"\xff", "utf-8"), (None, "No such")])
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "rules.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RulesUnusable) as caught:
        read_rules(file)
    assert str(caught.value).startswith(f"{file} cannot be used: ")
    assert complaint in str(caught.value)
