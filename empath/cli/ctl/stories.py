"""Messages, lanes and waits told in lines, for people."""

import time
from collections.abc import Iterator

import click

from empath.cli.ctl.client import Record
from empath.cli.ctl.units import age, moment, size
from empath.cli.render import printable


def print_message(message: Record, now: float) -> None:
    """Print a message with its deliveries."""
    _tell(
        f"{message['mid']} from {message['sender'] or '<>'} · {size(message['size_bytes'])}"
        f" · accepted {moment(message['received'])} ({age(now - message['received'])} ago)"
    )
    for one in message["deliveries"]:
        status = "deleted" if one["deleted"] else "damaged" if one["damaged"] else one["status"]
        waits = f" · {one['wait']}" if one["wait"] else ""
        upcoming = f" · next {moment(one['next_attempt'])}" if one["next_attempt"] is not None else ""
        _tell(f"  {one['delivery']} to {one['recipient'] or one['domain']} · {status}{waits} · {_tries(one)}{upcoming}")
        if one["reply"]:
            _tell(f"      last   {one['reply']}")
        if one["note"]:
            _tell(f"      note   {one['note']} ({moment(one['since'])})")
    click.echo(f"  why: empathctl explain {message['mid']}")


def print_explanation(answer: Record) -> None:
    """Print why something waits, and what one can do."""
    for line in explained_lines(answer):
        _tell(line)


def print_lane(details: Record) -> None:
    """Print all that is known of a lane."""
    for line in lane_lines(details):
        _tell(line)


def explained_lines(answer: Record) -> Iterator[str]:
    """Why something waits, and what one can do."""
    for story in answer["deliveries"]:
        yield from _delivery(story, answer["now"])
    if answer["way"] is not None:
        yield f"{answer['name']} goes to the lane {answer['way']['lane']}"
        yield from _way(answer["way"])
    if answer["lane"] is not None:
        yield from lane_lines(answer["lane"])


def _delivery(story: Record, now: float) -> Iterator[str]:
    one = story["delivery"]
    upcoming = ""
    if one["next_attempt"] is not None:
        upcoming = f" · NEXT {moment(one['next_attempt'])} (in {age(max(0.0, one['next_attempt'] - now))})"
    tries = f"attempt {one['attempts']}/{story['max_attempts']}"
    yield (
        f"{one['delivery']} to {one['recipient'] or one['domain']} · {one['status']} · age {age(now - one['received'])}"
        f" · {tries}{upcoming} · expires {moment(story['expires'])}"
    )
    wait = story["wait"]
    yield f"waiting for  {_wait(wait, now) if wait else 'nothing: it has ended'}"
    yield from _gates(story["gates"])
    yield f"lane         {story['lane']}"
    if story["way"] is not None:
        yield from _way(story["way"])
    for number, past in enumerate(story["attempts"]):
        yield f"{'history' if not number else '':<11}  {moment(past['at'])} {past['host'] or '-'} {past['said']}"
    yield from _rules(story["rules"])
    yield from _actions(story["actions"])


def lane_lines(details: Record) -> Iterator[str]:
    """All that is known of a lane."""
    lane, now = details["lane"], time.time()
    oldest = f" · oldest {age(lane['oldest_s'])}" if lane["oldest_s"] is not None else ""
    aside = f" · {details['set_aside']} set aside in the spool" if details["set_aside"] else ""
    yield f"lane {lane['lane']} · {lane['state']} · {lane['queued']} queued{oldest}{aside}"
    if lane["limited_by"] is not None:
        yield f"limited by   {_wait(lane['limited_by'], now)}"
    yield from _gates(details["gates"])
    if lane["last_reply"]:
        yield f"last reply   {lane['last_reply']}"
    for asked in details["asked"]:
        yield f"asked for    {asked['what']}: {asked['cause']}"
    yield from _rules(details["rules"])
    yield from _actions(details["actions"])


def _way(way: Record) -> Iterator[str]:
    named = f" · configuration names {way['next_hop']}" if way["next_hop"] else ""
    last = _last_seal(way["tls_last"], verified=way["tls_verified"])
    yield f"route        {way['domain']} · TLS {way['tls']}{last}{named}"
    for stop in way["stops"]:
        source = f" from {stop['source']}" if stop["source"] else ""
        yield f"             {stop['host']} [{stop['address']}]:{stop['port']}{source}"
    if way["trouble"]:
        yield f"             {way['trouble']}"


def _last_seal(version: str | None, *, verified: bool) -> str:
    if version is None:
        return ""
    return ", last in clear" if version == "none" else f", last {version} {'verified' if verified else 'not verified'}"


def _gates(gates: list[Record]) -> Iterator[str]:
    if not gates:
        return
    words = []
    for gate in gates:
        if gate["limit"] is not None:
            state = f" {gate['used'] or 0:g}/{gate['limit']:g}{'' if gate['ok'] else ' SHUT'}"
        else:
            state = " no" if gate["ok"] else " SHUT"
        words.append(f"{gate['name']}{state}")
    yield f"gates        {' · '.join(words)}"


def _rules(rules: list[Record]) -> Iterator[str]:
    for rule in rules:
        expires = f" until {moment(rule['expires'])}" if rule["expires"] is not None else ""
        why = f": {rule['reason']}" if rule["reason"] else ""
        yield f"rule         {rule['id']} {rule['kind']} by {rule['by']}{expires}{why}"


def _actions(actions: list[str]) -> Iterator[str]:
    for number, action in enumerate(actions):
        yield f"{'do' if not number else '':<11}  {action}"


def _wait(wait: Record, now: float) -> str:
    until = f" until {moment(wait['until'])} (in {age(max(0.0, wait['until'] - now))})" if wait["until"] else ""
    return f"{wait['reason']}{until}{' · ' if wait['detail'] else ''}{wait['detail']}"


def _tries(one: Record) -> str:
    return "not attempted yet" if not one["attempts"] else f"attempts {one['attempts']}"


def _tell(line: str) -> None:
    click.echo(printable(line))
