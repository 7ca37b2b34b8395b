"""Stories of deliveries in lines, for people."""

import time
from collections.abc import Iterator
from typing import Any, Final

from empath.cli.ctl.units import age, size

_SHOUTED: Final = frozenset({"delivered", "bounced", "expired", "deleted", "held"})

Told = dict[str, Any]


def story_lines(story: Told, *, asked: str) -> Iterator[str]:
    """A story: one line for what became of the delivery; for one that was hard, a line for each step before."""
    yield f"{_beginning(story, asked)} → {_end(story)}"


def step_lines(story: Told) -> Iterator[str]:
    """What happened on the way, the oldest first."""
    for step in story["steps"]:
        words = [step["outcome"] or step["event"]]
        words += [step["mx_server"] or "", step["smtp_response"] or ""]
        words += [f"by {step['by']}" if step["by"] else "", f"job {step['job']}" if step["job"] is not None else ""]
        words += [step["reason"] or "", f"reported in {step['report']}" if step["report"] else ""]
        yield f"    {_time(step['at'])} {' '.join(filter(None, words))}"


def _beginning(story: Told, asked: str) -> str:
    came = f"{_day(story['received'])} {_time(story['received'])}" if story["received"] is not None else "earlier"
    words = [came, story["mid"]]
    if story["received"] is not None:
        client = f"({story['client']})" if story["client"] else ""
        words += ["received from", story["hello"] or "here", client, f"as {story['login']}" if story["login"] else ""]
    words.append(size(story["size_bytes"]) if story["size_bytes"] is not None else "")
    if story["sender"].lower() != asked.lower():
        words.append(f"from {story['sender'] or '<>'}")
    if story["recipient"].lower() != asked.lower():
        words.append(f"to {story['recipient']}")
    return " ".join(filter(None, words))


def _end(story: Told) -> str:
    state = story["state"]
    if not story["steps"]:
        return "not attempted yet"
    last = next(
        (one for one in reversed(story["steps"]) if state in (one["outcome"], one["event"])), story["steps"][-1]
    )
    when = _time(story["at"])
    if story["received"] is not None and _day(story["at"]) != _day(story["received"]):
        when = f"{_day(story['at'])} {when}"
    words = [when, state.upper() if state in _SHOUTED else state, last["mx_server"] or "", last["smtp_response"] or ""]
    words.append(f"{last['tls']}{' verified' if last['tls_verified'] else ''}" if last["tls"] else "")
    words.append(f"by {last['by']}" if last["by"] else "")
    words.append(f"({last['reason']})" if last["reason"] else "")
    report = next((one["report"] for one in story["steps"] if one["report"]), None)
    words.append(f"reported in {report}" if report else "")
    return " ".join(filter(None, [*words, _effort(story)]))


def _effort(story: Told) -> str:
    """How many attempts it took, how long, and why it was not fewer."""
    if story["attempts"] < 2:
        return ""
    took = f", {age(story['at'] - story['received'])}" if story["received"] is not None else ""
    failures = (one["about"] for one in story["steps"] if one["outcome"] in ("deferred", "uncertain"))
    reasons = ", ".join(dict.fromkeys(filter(None, failures)))
    return f"({story['attempts']} attempts{took}{': ' if reasons else ''}{reasons})"


def _day(at: float) -> str:
    return time.strftime("%m-%d", time.gmtime(at))


def _time(at: float) -> str:
    return time.strftime("%H:%M:%SZ", time.gmtime(at))
