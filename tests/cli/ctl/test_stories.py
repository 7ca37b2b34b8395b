"""What ``empathctl explain`` prints."""

from empath.cli.ctl.stories import lane_lines


def test_a_gate_that_holds_nothing_up_does_not_read_as_if_it_did() -> None:
    gates = [
        {"name": "frozen", "ok": True, "used": None, "limit": None},
        {"name": "suspended", "ok": False, "used": None, "limit": None},
        {"name": "window", "ok": True, "used": 1, "limit": 2},
        {"name": "conn_host", "ok": False, "used": 5, "limit": 5},
    ]
    lane = {"lane": "example.org", "state": "ok", "queued": 0, "oldest_s": None, "limited_by": None, "last_reply": ""}
    details = {"lane": lane, "set_aside": 0, "gates": gates, "asked": [], "rules": [], "actions": []}
    assert "gates        frozen no · suspended SHUT · window 1/2 · conn_host 5/5 SHUT" in [*lane_lines(details)]
