"""The rules of an operator about the answers of hosts, read when the daemon starts."""

from pathlib import Path

from empath.policy.replies import ReplyRule, RulesFault, parse


class RulesUnusable(Exception):
    """The file cannot be read, or holds no rules. The text says which file, and why."""


def read_rules(path: Path) -> tuple[ReplyRule, ...]:
    """Read the file that ``delivery.rules_file`` names. This blocks. Raises RulesUnusable."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RulesFault) as problem:
        raise RulesUnusable(f"{path} cannot be used: {problem}") from problem
