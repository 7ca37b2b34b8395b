"""The one table: every cell of the full product, and the drawing of it in its docstring."""

from itertools import product

import pytest

from empath.smtp import Reply, ReplyClass, State, Verb, session

REFUSALS = (ReplyClass.TRANSIENT, ReplyClass.PERMANENT)
FULL_PRODUCT = list(product(State, Verb, ReplyClass))


def drawing() -> str:
    """The table as it stands in the docstring."""
    _, _, rest = (session.__doc__ or "").partition("::\n\n")
    return "\n".join(line.removeprefix("    ") for line in rest.partition("\n\nSources:")[0].split("\n"))


def drawn() -> dict[tuple[State, Verb, ReplyClass], State]:
    """The cells of the drawing, read by their place under the names of the states."""
    head, *rows = drawing().split("\n")
    places = {State(name): head.index(name.ljust(10).rstrip(), 17) for name in head.split()[2:]}
    # RCPT and DATA are states and verbs: a column begins every ten characters behind the two names of the row.
    assert sorted(places.values()) == list(range(17, 17 + 10 * len(places), 10))
    cells = {}
    for row in rows:
        for state, place in places.items():
            goal = row[place : place + 10].strip()
            if goal:
                key = (state, Verb(row[:10].strip()), ReplyClass(int(row[10])))
                cells[key] = state if goal == "=" else State(goal)
    return cells


DRAWN = drawn()


def test_the_drawing_in_the_docstring_is_the_table() -> None:
    assert drawing() == session.diagram()
    assert session.TABLE == DRAWN


@pytest.mark.parametrize("state", State)
def test_every_cell_of_the_full_product_follows_the_drawing_or_a_rule_that_holds_everywhere(state: State) -> None:
    for verb, kind in product(Verb, ReplyClass):
        if kind is ReplyClass.CLOSING:
            expected: State | None = State.CLOSED
        elif kind in REFUSALS and state is not State.CLOSED:
            expected = DRAWN.get((state, verb, kind), state)
        else:
            expected = DRAWN.get((state, verb, kind))
        assert session.after(state, verb, kind) is expected, (verb, kind)


def test_a_refusal_leaves_the_state_alone_except_where_a_body_or_an_exchange_or_a_greeting_ends() -> None:
    moving = {
        (state, verb)
        for state, verb, kind in FULL_PRODUCT
        if kind in REFUSALS and session.after(state, verb, kind) not in (state, None)
    }
    assert moving == {
        (State.CONNECTED, Verb.GREETING),
        (State.DATA, Verb.END),
        (State.AUTH, Verb.RESPONSE),
        *product((State.RCPT, State.CHUNK), (Verb.BDAT, Verb.BDAT_LAST)),
    }


def test_421_closes_in_every_state_and_whatever_it_answers() -> None:
    assert {session.after(state, verb, ReplyClass.CLOSING) for state, verb in product(State, Verb)} == {State.CLOSED}


def test_nothing_leads_out_of_the_closed_state() -> None:
    assert {session.after(State.CLOSED, verb, kind) for verb, kind in product(Verb, ReplyClass)} == {State.CLOSED, None}


def test_only_quit_and_421_close() -> None:
    closing = {verb for (_, verb, _), goal in session.TABLE.items() if goal is State.CLOSED}
    assert closing == {Verb.QUIT}


def test_every_state_can_be_reached_and_left() -> None:
    seen, todo = {State.CONNECTED}, [State.CONNECTED]
    while todo:
        state = todo.pop()
        for (start, _, _), goal in session.TABLE.items():
            if start is state and goal not in seen:
                seen.add(goal)
                todo.append(goal)
    assert seen == set(State)
    assert {start for (start, _, _), goal in session.TABLE.items() if goal is not start} == set(State) - {State.CLOSED}


@pytest.mark.parametrize("state", State)
def test_a_verb_is_hoped_for_where_its_best_reply_has_a_place_and_is_not_merely_tolerated(state: State) -> None:
    for verb in Verb:
        best = ReplyClass.INTERMEDIATE if verb is Verb.DATA else ReplyClass.POSITIVE
        expected = None if (state, verb) in session.TOLERATED else DRAWN.get((state, verb, best))
        assert session.hoped(state, verb) is expected


def test_what_is_tolerated_is_a_body_without_recipients_and_nothing_else() -> None:
    without_recipients = {(State.READY, Verb.DATA), *product((State.MAIL,), (Verb.DATA, Verb.BDAT, Verb.BDAT_LAST))}
    assert without_recipients == session.TOLERATED


def test_the_verbs_that_end_a_group_are_those_of_the_rfcs() -> None:
    assert set(Verb) - session.ENDS_GROUP == {
        *(
            Verb.GREETING,
            Verb.MAIL,
            Verb.RCPT,
            Verb.RSET,
            Verb.HELP,
            Verb.BDAT,
            Verb.BDAT_LAST,
            Verb.END,
            Verb.HANDSHAKE,
        ),
    }


def test_every_code_is_of_one_class() -> None:
    for code in (*range(200, 360), *range(400, 560)):
        assert Reply(code).kind is (ReplyClass.CLOSING if code == 421 else ReplyClass(code // 100))
