from __future__ import annotations

from decimal import Decimal

from replay.outline import outline
from spans.content import Document, Message, Part, SpanContent, ToolDefinition
from spans.facts import AskedCall, Decision
from spans.kinds import SpanKind, ToolOutcome, Verdict
from tests.builders import NOW_NS, SECOND_NS, a_run, a_span_id, a_step
from tests.replay.taped import asks, result, text
from web.pages.replay import MAX_BLOCKS, build_blocks, build_moment, build_rows, build_tape, needed, number_of
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(0, 1, "24h"))
QUESTION = text("user", "Refund me")
CALL = asks(("c1", "lookup", {"order": 1}), ("c2", "refund", {"amount": 5}))


def step(number, kind=SpanKind.MODEL, **changes):
    plain = {"usage": None, "cost": None} if kind is not SpanKind.MODEL else {}
    start = {"start_ns": NOW_NS + number * SECOND_NS}
    return a_step(span_id=a_span_id(number), ordinal=number, kind=kind, **(start | plain | changes))


def tool(number, name, call, **changes):
    return step(number, SpanKind.TOOL, tool_name=name, tool_call_id=call, **changes)


STEPS = [
    step(1),
    tool(2, "lookup", "c1"),
    tool(3, "refund", "c2", tool_outcome=ToolOutcome.DENIED, decisions=(Decision(Verdict.DENY, rule="limit"),)),
    step(4, SpanKind.RETRIEVAL, documents=2, name="handbook"),
    step(5),
]
CONTENTS = {
    a_span_id(1): SpanContent(input_messages=(QUESTION,), output_messages=(CALL,), tool_definitions=(ToolDefinition("lookup"),)),
    a_span_id(2): SpanContent(tool_arguments={"order": 1}, tool_result="paid"),
    a_span_id(3): SpanContent(tool_arguments={"amount": 5}),
    a_span_id(4): SpanContent(retrieval_query="rules", documents=(Document(id="d"),)),
    a_span_id(5): SpanContent(
        input_messages=(QUESTION, CALL, result("c1", "paid"), result("c2", "no")),
        output_messages=(text("assistant", "Sorry."),),
        tool_definitions=(ToolDefinition("search"),),
    ),
}  # fmt: skip
ASKED = {a_span_id(1): (AskedCall("c1", "lookup", ""), AskedCall("c2", "refund", ""))}
TAPE = build_tape(a_run(), outline(STEPS, ASKED), ASKED)


def moment(number):
    return build_moment(PLACE, TAPE, number, CONTENTS)


def test_a_model_step_shows_what_was_asked_answered_and_changed():
    first = moment(1)
    assert (first.messages, first.answer, first.changes) == ((QUESTION,), (CALL,), ())
    last = moment(5)
    assert last.earlier == 1
    assert last.changed_since == 1
    assert [(c.sign, c.words) for c in last.changes] == [
        ("+", "tool search is offered"),
        ("-", "tool lookup is no longer offered"),
        ("+", "tool message came in"),
        ("+", "tool message came in"),
        ("", "2\xa0messages unchanged"),
    ]


def test_the_state_counts_up_to_the_step_and_no_further():
    assert [moment(n).state.cost for n in (1, 2, 5)] == [Decimal("0.00060"), Decimal("0.00060"), Decimal("0.00120")]
    assert [moment(n).state.tokens_in for n in (1, 5)] == [120, 240]
    assert [moment(n).state.denials for n in (2, 3, 5)] == [0, 1, 1]
    assert moment(1).state.elapsed_ns == SECOND_NS


def test_open_calls_are_those_that_were_asked_for_and_not_answered_yet():
    assert [name for name, _ in moment(1).state.open_calls] == ["lookup", "refund"]
    assert [name for name, _ in moment(2).state.open_calls] == ["refund"]
    assert moment(3).state.open_calls == ()


def test_the_conversation_is_that_of_the_newest_model_call():
    state = moment(3).state
    assert (state.conversation, state.conversation_of) == ((QUESTION, CALL), 1)
    assert moment(4).state.documents[0][1] == "2\xa0documents"
    assert moment(5).state.conversation_of == 5


def test_a_tool_step_shows_its_arguments_its_result_and_where_the_model_saw_it():
    told = moment(2)
    assert told.has_arguments
    assert told.result == "paid"
    assert told.seen_at == 5
    assert moment(3).glyph == "denied"


def test_dropped_history_is_told_as_truncation():
    long = tuple(text("user", f"m{n}") for n in range(6))
    steps = [step(1), step(2)]
    contents = {
        a_span_id(1): SpanContent(input_messages=long),
        a_span_id(2): SpanContent(input_messages=(*long[3:], text("user", "new"))),
    }
    tape = build_tape(a_run(), outline(steps, {}), {})
    words = [c.words for c in build_moment(PLACE, tape, 2, contents).changes]
    assert words[0] == "3\xa0messages dropped from the start: the context was truncated"


def test_only_the_steps_around_are_read():
    assert [m.number for m in needed(TAPE, 3)] == [3, 1]
    assert [m.number for m in needed(TAPE, 5)] == [5, 1]


def test_an_address_names_a_step_by_number_or_by_span():
    assert number_of(TAPE, "4", "") == 4
    assert number_of(TAPE, "999", "") == 5
    assert number_of(TAPE, "", a_span_id(3)) == 3
    assert number_of(TAPE, "x", "no") == 1
    assert number_of(TAPE, "", "") == 1


def test_neighbours_are_links_and_ends_have_none():
    assert moment(1).previous_href == ""
    assert moment(1).next_href.endswith("/replay?step=2")
    assert moment(5).next_href == ""


def test_the_scrubber_is_whole_and_shows_what_went_wrong():
    blocks = build_blocks(PLACE, TAPE)
    assert [b.glyph for b in blocks] == ["ok", "ok", "denied", "ok", "ok"]
    assert abs(sum(b.width for b in blocks) - 100) < 0.01
    assert blocks[2].words.endswith("denied")


def test_a_long_run_shares_blocks_and_the_worst_of_them_shows():
    steps = [
        tool(n, "t", f"c{n}", tool_outcome=ToolOutcome.DENIED if n == 1_234 else ToolOutcome.OK)
        for n in range(1, 2_001)
    ]
    tape = build_tape(a_run(), outline(steps, {}), {})
    blocks = build_blocks(PLACE, tape)
    assert len(blocks) == MAX_BLOCKS
    assert [b.number for b in blocks if b.glyph == "denied"] == [1_234]
    assert min(b.width for b in blocks) > 0.05
    rows, hidden = build_rows(PLACE, tape, 1)
    assert (len(rows), hidden) == (2_000, 0)


def test_branches_are_lanes():
    steps = [
        step(1, SpanKind.AGENT, agent_name="boss"),
        step(2, parent_span_id=a_span_id(1)),
        step(3, SpanKind.AGENT, agent_name="helper", parent_span_id=a_span_id(1)),
        step(4, parent_span_id=a_span_id(3)),
    ]
    tape = build_tape(a_run(), outline(steps, {}), {})
    assert [lane.name for lane in tape.lanes] == ["", "helper#1"]
    assert [row.lane for row in build_rows(PLACE, tape, 1)[0]] == [0, 1]


def test_the_list_is_the_tree_of_the_run_in_playing_order():
    """What asks nothing itself heads the steps inside it; a tool that has steps inside is a row, and they stand below it."""
    steps = [
        step(1, SpanKind.AGENT, agent_name="boss"),
        step(2, SpanKind.OTHER, name="plumbing", parent_span_id=a_span_id(1), flags=("noise",)),
        step(3, parent_span_id=a_span_id(2)),
        tool(4, "ask_helper", "c1", parent_span_id=a_span_id(1)),
        step(5, SpanKind.AGENT, agent_name="helper", parent_span_id=a_span_id(4)),
        step(6, parent_span_id=a_span_id(5)),
        step(7, parent_span_id=a_span_id(1)),
    ]
    rows, _ = build_rows(PLACE, build_tape(a_run(), outline(steps, {}), {}, steps), 1)
    assert [([h.name for h in r.heads], r.indent, r.span_id) for r in rows] == [
        (["boss"], 1, a_span_id(3)),
        ([], 1, a_span_id(4)),
        (["helper"], 3, a_span_id(6)),
        ([], 1, a_span_id(7)),
    ]
    assert [h.indent for r in rows for h in r.heads] == [0, 2]
    assert rows[2].heads[0].href.endswith(f"span={a_span_id(5)}")


def test_a_call_told_by_a_later_message_stands_beside_it_not_in_it():
    steps = [
        step(1, SpanKind.AGENT, agent_name="boss"),
        tool(2, "lookup", "c1", parent_span_id=a_span_id(3), flags=("synthetic",), start_ns=NOW_NS + 3 * SECOND_NS),
        step(3, parent_span_id=a_span_id(1)),
    ]
    rows, _ = build_rows(PLACE, build_tape(a_run(), outline(steps, {}), {}, steps), 1)
    assert [(r.span_id, r.indent, len(r.heads)) for r in rows] == [(a_span_id(2), 1, 1), (a_span_id(3), 1, 0)]


def test_parents_that_name_each_other_end():
    steps = [step(1, parent_span_id=a_span_id(2)), step(2, SpanKind.AGENT, parent_span_id=a_span_id(1))]
    rows, _ = build_rows(PLACE, build_tape(a_run(), outline(steps, {}), {}, steps), 1)
    assert [r.span_id for r in rows] == [a_span_id(1)]


def test_a_system_prompt_that_was_sent_twice_is_shown_once():
    prompt = Part("text", content="Be careful.")
    messages = (Message("system", (prompt,)), text("system", "Speak French."), QUESTION)
    contents = {a_span_id(1): SpanContent(system=(prompt,), input_messages=messages)}
    shown = build_moment(PLACE, build_tape(a_run(), outline([step(1)], {}), {}), 1, contents)
    assert (shown.system, shown.messages) == ((prompt,), messages[1:])
