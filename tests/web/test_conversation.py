from __future__ import annotations

from spans.content import Document, Message, Part, SpanContent, ToolDefinition
from spans.facts import Decision
from spans.kinds import RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from tests.builders import a_span_id, a_step
from web.conversation import build_conversation


def text(role: str, content: str) -> Message:
    return Message(role, (Part("text", content=content),))


def asks(call_id: str, name: str = "lookup", **arguments: object) -> Part:
    return Part("tool_call", id=call_id, name=name, arguments=arguments)


def result(call_id: str, content: object) -> Message:
    return Message("tool", (Part("tool_result", id=call_id, content=content),))


def model(number: int, **changes: object):
    return a_step(span_id=a_span_id(number), **changes)


def tool(number: int, call_id: str = "", **changes: object):
    return a_step(
        span_id=a_span_id(number),
        kind=SpanKind.TOOL,
        tool_name="lookup",
        tool_call_id=call_id,
        usage=None,
        cost=None,
        **changes,
    )


def told(conversation) -> list[str]:
    """Each turn in one word, for comparison."""
    found = []
    for turn in conversation.turns:
        said = " ".join(str(p.content) if p.type == "text" else f"{p.type}:{p.name}" for p in turn.parts)
        found.append(f"{turn.role}: {said}" if turn.kind == "message" else f"{turn.kind} {turn.title}: {turn.result}")
    return found


HELLO, HI = text("user", "hello"), text("assistant", "hi")


def test_history_is_said_once():
    more = text("user", "and then?")
    conversation = build_conversation(
        [model(1), model(2)],
        {
            a_span_id(1): SpanContent(
                system=(Part("text", content="be kind"),), input_messages=(HELLO,), output_messages=(HI,)
            ),
            a_span_id(2): SpanContent(
                system=(Part("text", content="be kind"),),
                input_messages=(HELLO, HI, more),
                output_messages=(text("assistant", "the end"),),
            ),
        },
    )
    assert told(conversation) == [
        "system: be kind",
        "user: hello",
        "assistant: hi",
        "user: and then?",
        "assistant: the end",
    ]
    assert conversation.state == "shown"


def test_a_system_prompt_inside_the_messages_is_said_once():
    system = text("system", "be kind")
    conversation = build_conversation(
        [model(1), model(2)],
        {
            a_span_id(1): SpanContent(input_messages=(system, HELLO), output_messages=(HI,)),
            a_span_id(2): SpanContent(input_messages=(system, text("user", "other agent")), output_messages=(HI,)),
        },
    )
    assert told(conversation).count("system: be kind") == 1


def test_the_same_words_said_again_are_said_again():
    conversation = build_conversation(
        [model(1), model(2)],
        {
            a_span_id(1): SpanContent(input_messages=(text("user", "yes"),), output_messages=(HI,)),
            a_span_id(2): SpanContent(
                input_messages=(text("user", "yes"), HI, text("user", "yes")),
                output_messages=(text("assistant", "ok"),),
            ),
        },
    )
    assert told(conversation) == ["user: yes", "assistant: hi", "user: yes", "assistant: ok"]


def test_a_tool_stands_on_its_own_card_with_arguments_and_result():
    conversation = build_conversation(
        [model(1), tool(2, "c1"), model(3)],
        {
            a_span_id(1): SpanContent(
                input_messages=(HELLO,), output_messages=(Message("assistant", (asks("c1", id=7),)),)
            ),
            a_span_id(2): SpanContent(tool_arguments={"id": 7}, tool_result={"found": True}),
            a_span_id(3): SpanContent(
                input_messages=(HELLO, Message("assistant", (asks("c1", id=7),)), result("c1", '{"found": true}')),
                output_messages=(HI,),
            ),
        },
    )
    assert told(conversation) == [
        "user: hello",
        "assistant: tool_call:lookup",
        "tool lookup: {'found': True}",
        "assistant: hi",
    ]
    assert conversation.turns[1].parts[0].raw == "told"
    assert conversation.turns[2].arguments == {"id": 7}


def test_a_tool_span_without_content_takes_it_from_the_messages():
    conversation = build_conversation(
        [model(1), tool(2), model(3)],
        {
            a_span_id(1): SpanContent(
                input_messages=(HELLO,), output_messages=(Message("assistant", (asks("c1", id=7),)),)
            ),
            a_span_id(3): SpanContent(
                input_messages=(HELLO, Message("assistant", (asks("c1", id=7),)), result("c1", "found")),
                output_messages=(HI,),
            ),
        },
    )
    assert "tool lookup: found" in told(conversation)
    card = next(t for t in conversation.turns if t.kind == "tool")
    assert card.arguments == {"id": 7}
    assert not any(p.type == "tool_result" for t in conversation.turns for p in t.parts)


def test_a_call_told_only_by_messages_stands_where_its_result_came_back():
    made_later = tool(9, "c1", flags=("synthetic",), parent_span_id=a_span_id(1))
    conversation = build_conversation(
        [model(1), made_later],
        {
            a_span_id(1): SpanContent(
                input_messages=(HELLO, Message("assistant", (asks("c1", id=7),)), result("c1", "denied")),
                output_messages=(HI,),
            )
        },
    )
    assert told(conversation) == ["user: hello", "assistant: tool_call:lookup", "tool lookup: denied", "assistant: hi"]


def test_a_result_without_a_card_is_named_by_its_call():
    conversation = build_conversation(
        [model(1)],
        {
            a_span_id(1): SpanContent(
                input_messages=(HELLO, Message("assistant", (asks("c1", id=7),)), result("c1", "found")),
                output_messages=(HI,),
            )
        },
    )
    assert "tool: tool_result:lookup" in told(conversation)


def test_an_answer_whose_echo_lost_its_text_is_not_repeated():
    said = Message("assistant", (Part("text", content="Let me check."), asks("c1")))
    echo = Message("assistant", (asks("c1"),))
    conversation = build_conversation(
        [model(1), model(2)],
        {
            a_span_id(1): SpanContent(input_messages=(HELLO,), output_messages=(said,)),
            a_span_id(2): SpanContent(input_messages=(HELLO, echo, result("c1", "x")), output_messages=(HI,)),
        },
    )
    assert [t.role for t in conversation.turns] == ["user", "assistant", "tool", "assistant"]


def test_of_two_reports_of_one_call_one_is_told_with_the_text_of_either():
    counted = model(1)
    silent = model(2, usage_role=UsageRole.DUPLICATE, duplicate_of=a_span_id(1))
    content = SpanContent(input_messages=(HELLO,), output_messages=(HI,))
    for contents in ({a_span_id(1): content}, {a_span_id(2): content}, {a_span_id(1): content, a_span_id(2): content}):
        assert told(build_conversation([counted, silent], contents)) == ["user: hello", "assistant: hi"]


def test_a_failed_call_shows_its_error():
    failed = model(1, status=RunStatus.ERROR, error_type="RateLimitError", error_message="429")
    (turn,) = build_conversation([failed], {}).turns
    assert (turn.kind, turn.glyph, turn.error) == ("call", "error", "429")


def test_a_denied_tool_carries_its_decision_and_not_the_same_words_twice():
    denied = tool(
        1,
        tool_outcome=ToolOutcome.DENIED,
        error_message="above 500",
        decisions=(Decision(Verdict.DENY, "refund-limit", reason="above 500"),),
    )
    (turn,) = build_conversation([denied], {}).turns
    assert (turn.glyph, turn.error, turn.decisions[0].rule) == ("denied", "", "refund-limit")


def test_a_call_that_waits_is_told_until_the_same_call_ran():
    waits = tool(1, "call_1", tool_outcome=ToolOutcome.APPROVAL_PENDING, counted=False)
    content = {a_span_id(1): SpanContent(tool_arguments={"customer": "c1"})}
    (turn,) = build_conversation([waits], content).turns
    assert (turn.kind, turn.arguments) == ("tool", {"customer": "c1"})
    ran = tool(2, "call_1", tool_outcome=ToolOutcome.OK)
    assert [t.span_id for t in build_conversation([waits, ran], content).turns] == [a_span_id(2)]


def test_documents_inside_a_tool_that_returned_them_are_folded():
    inner = a_step(span_id=a_span_id(2), parent_span_id=a_span_id(1), kind=SpanKind.RETRIEVAL, usage=None)
    conversation = build_conversation(
        [tool(1), inner],
        {
            a_span_id(1): SpanContent(tool_result="docs"),
            a_span_id(2): SpanContent(retrieval_query="q", documents=(Document("d", "text"),)),
        },
    )
    assert [t.repeats for t in conversation.turns] == [False, True]


def test_without_any_message_the_agent_itself_is_asked():
    agent = a_step(span_id=a_span_id(1), kind=SpanKind.AGENT, usage=None)
    conversation = build_conversation([agent], {a_span_id(1): SpanContent(input="do it", output={"done": True})})
    assert [t.role for t in conversation.turns] == ["user", "assistant"]


def test_nothing_recorded_is_said_honestly():
    assert build_conversation([model(1)], {}).state == "absent"
    assert build_conversation([model(1, content_state="withheld")], {}).state == "withheld"
    assert build_conversation([], {}).turns == ()


def test_a_very_long_run_says_what_was_left_out():
    calls = [model(n) for n in range(1, 60)]
    conversation = build_conversation(calls, {}, most=20, unread=7)
    assert len(conversation.turns) == 20
    assert conversation.cut == 39 + 7


def test_plumbing_is_not_told():
    assert build_conversation([model(1, flags=("noise",))], {}).turns == ()


def test_calls_without_ids_find_their_results_by_their_place():
    """Some providers send no call ids: the second `lookup` of a history is the second tool of that name."""

    def asked(*names: str) -> Message:
        return Message("assistant", tuple(Part("tool_call", name=n, arguments={"n": i}) for i, n in enumerate(names)))

    def came(name: str, content: object) -> Message:
        return Message("tool", (Part("tool_result", name=name, content=content),))

    first, second = asked("lookup"), asked("lookup")
    conversation = build_conversation(
        [model(1), tool(2), model(3), tool(4), model(5)],
        {
            a_span_id(1): SpanContent(input_messages=(HELLO,), output_messages=(first,)),
            a_span_id(3): SpanContent(input_messages=(HELLO, first, came("lookup", "one")), output_messages=(second,)),
            a_span_id(5): SpanContent(
                input_messages=(HELLO, first, came("lookup", "one"), second, came("lookup", "two")),
                output_messages=(HI,),
            ),
        },
    )
    cards = [t for t in conversation.turns if t.kind == "tool"]
    assert [c.result for c in cards] == ["one", "two"]
    assert not [t for t in conversation.turns if t.role == "tool" and t.kind == "message"]


def test_a_result_that_only_shares_its_place_with_another_is_not_lost():
    call = Message("assistant", (Part("tool_call", name="lookup", arguments={}),))
    conversation = build_conversation(
        [model(1), tool(2), model(3), model(4)],
        {
            a_span_id(1): SpanContent(input_messages=(HELLO,), output_messages=(call,)),
            a_span_id(3): SpanContent(
                input_messages=(HELLO, call, Message("tool", (Part("tool_result", name="lookup", content="one"),)))
            ),
            a_span_id(4): SpanContent(
                input_messages=(
                    text("user", "another agent"),
                    Message("tool", (Part("tool_result", name="lookup", content="other"),)),
                )
            ),
        },
    )
    assert [t.result for t in conversation.turns if t.kind == "tool"] == ["one"]
    assert [t.parts[0].content for t in conversation.turns if t.kind == "message" and t.role == "tool"] == ["other"]


def test_what_the_model_was_given_differently_is_said_at_its_answer():
    tools = (ToolDefinition("search"), ToolDefinition("refund"))
    first = SpanContent(
        system=(Part("text", content="be kind"),),
        tool_definitions=tools[:1],
        input_messages=(HELLO,),
        output_messages=(HI,),
    )
    more = text("user", "and then?")
    same = SpanContent(
        system=first.system,
        tool_definitions=tools[:1],
        input_messages=(HELLO, HI, more),
        output_messages=(text("assistant", "well"),),
    )
    other = SpanContent(
        system=(Part("text", content="be strict"),),
        tool_definitions=tools[1:],
        input_messages=(more, text("user", "go on")),
        output_messages=(text("assistant", "no"),),
    )
    steps = [model(1), model(2), model(3)]
    found = build_conversation(steps, {a_span_id(1): first, a_span_id(2): same, a_span_id(3): other})
    changes = {turn.span_id: turn.changes for turn in found.turns if turn.changes}
    assert changes == {
        a_span_id(3): (
            "the system prompt is another one",
            "the tool refund is offered",
            "the tool search is no longer offered",
            "2\N{NO-BREAK SPACE}earlier messages left the context",
        )
    }


def test_calls_that_share_nothing_are_not_compared():
    first = SpanContent(system=(Part("text", content="a"),), input_messages=(HELLO,), output_messages=(HI,))
    second = SpanContent(system=(Part("text", content="b"),), input_messages=(text("user", "bonjour"),))
    found = build_conversation([model(1), model(2)], {a_span_id(1): first, a_span_id(2): second})
    assert not any(turn.changes for turn in found.turns)


def test_an_answer_that_was_recorded_empty_is_read_from_the_next_call():
    """LangSmith writes an answer that only asks for a tool as an empty text; the next call's history has it whole."""
    asked = Message("assistant", (asks("c1", q="x"),), "support_agent")
    found = build_conversation(
        [model(1), tool(2, "c1"), model(3)],
        {
            a_span_id(1): SpanContent(input_messages=(HELLO,), output_messages=(text("assistant", ""),)),
            a_span_id(2): SpanContent(tool_arguments={"q": "x"}, tool_result="found"),
            a_span_id(3): SpanContent(input_messages=(HELLO, asked, result("c1", "found")), output_messages=(HI,)),
        },
    )
    assert told(found) == ["user: hello", "assistant: tool_call:lookup", "tool lookup: found", "assistant: hi"]


def test_a_call_that_only_a_message_tells_of_stands_where_the_message_stands_even_when_its_step_comes_first():
    """A proxy's span that counts for nothing is given the result first; the model call that is told comes after it."""
    conversation = build_conversation(
        [
            model(1, counted=False, usage_role=UsageRole.DUPLICATE),
            tool(2, "c1", flags=("synthetic",)),
            tool(3, "c9", flags=("synthetic",)),
            model(4),
        ],
        {
            a_span_id(4): SpanContent(
                input_messages=(HELLO, Message("assistant", (asks("c1"),)), result("c1", "sunny")),
                output_messages=(HI,),
            )
        },
    )
    assert told(conversation) == [
        "tool lookup: None",
        "user: hello",
        "assistant: tool_call:lookup",
        "tool lookup: sunny",
        "assistant: hi",
    ]
