from __future__ import annotations

import random
import time

import pytest

from replay.compare import CAUSE_WORDS, Cause, Match, compare, comparison_json, headline, step_number, summary, text
from tests.replay.house import CAPTURES, items_of, stored
from tests.replay.taped import Tape, refund
from tests.replay.taped import text as said
from tests.runs.scoring import load

GOOD = refund(1).json()


def first(left, right):
    found = compare(left, right)
    return found.pairs[found.first]


def test_a_run_is_the_same_as_itself_and_as_its_repetition_on_another_day():
    assert compare(GOOD, GOOD).first is None
    again = compare(GOOD, refund(2, call="toolu_").json())
    assert again.first is None
    assert again.counts()[Match.IDENTICAL] == 9
    assert summary(again) == "9 identical steps"


def test_another_amount_is_found_at_its_step_with_both_values():
    found = compare(GOOD, refund(2, amount=1249.0).json())
    assert found.identical_before == 6
    one = found.pairs[found.first]
    assert (one.cause, step_number(one)) == (Cause.TOOL_ARGS, 7)
    assert headline(one) == "refund: arguments.amount 499.00 -> 1249.00"
    assert found.pairs[7].cause is Cause.TOOL_ARGS
    assert headline(found.pairs[7]) == "arguments.amount 499.00 -> 1249.00"
    assert summary(found) == (
        "6 identical steps | step 7: refund: arguments.amount 499.00 -> 1249.00 | 2 steps changed after it"
    )
    assert not one.tainted
    assert all(other.tainted for other in found.pairs[found.first + 1 :])


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"question": "I want my dog back"}, Cause.USER_INPUT),
        ({"system": "You are bold. Today is 2026-11-20."}, Cause.SYSTEM_PROMPT),
        ({"model": "gpt-4o-mini"}, Cause.MODEL),
        ({"tools": ("lookup",)}, Cause.TOOL_SET),
        ({"temperature": 0.7}, Cause.PARAMS),
        ({"found": "open"}, Cause.TOOL_RESULT),
        ({"last": "Cannot do that."}, Cause.MODEL_ANSWER),
        ({"amount": 1.0}, Cause.TOOL_ARGS),
        ({"steps": 2}, Cause.TOOL_CHOICE),
    ],
)
def test_each_change_has_its_cause(change, cause):
    assert first(GOOD, refund(2, **change).json()).cause is cause


def test_one_changed_character_is_told_by_message_and_offset():
    one = first(GOOD, refund(2, question="I want my honey back").json())
    (difference,) = one.differences
    assert difference.path == "messages[0].parts[0].content"
    assert (difference.start, difference.left_end, difference.right_end) == (10, 11, 11)
    assert difference.excerpt("right") == ("I want my ", "h", "oney back")


def test_dates_and_ids_stand_for_each_other_one_to_one():
    found = compare(GOOD, refund(2, system="You are careful. Today is 2026-11-21.").json())
    assert found.first is None
    assert found.counts()[Match.BOUND] == 5
    assert found.bound == {"time": 1}
    assert summary(found) == "9 identical steps | 1 time bound one to one"


def test_an_id_that_stands_for_two_is_a_divergence():
    ids = [f"3f2b8c1e-7a4d-4f6b-9c1d-0e2f4a6b8c{n:02x}" for n in range(4)]

    def tape(number, *order):
        made = Tape(number)
        for index in order:
            made.tool("get", {"id": ids[index]}, "x")
        return made.json()

    assert compare(tape(1, 0, 1, 0), tape(2, 2, 3, 2)).first is None
    found = compare(tape(1, 0, 1, 0), tape(2, 2, 3, 3))
    assert (found.first, found.pairs[2].cause) == (2, Cause.VOLATILE_UNBOUND)


def test_a_step_put_in_shifts_nothing_behind_it():
    longer = Tape(2)
    shorter = Tape(1)
    for index in range(10):
        for tape in (shorter, longer):
            tape.tool("get", {"n": index}, f"answer {index}")
        if index == 4:
            longer.tool("delete", {"n": 99}, "gone")
            longer.tool("get", {"n": 77}, "extra")
    found = compare(shorter.json(), longer.json())
    counts = found.counts()
    assert (counts[Match.IDENTICAL], counts[Match.RIGHT_ONLY], counts[Match.CHANGED]) == (10, 2, 0)
    assert found.pairs[found.first].cause is Cause.EXTRA_CALL
    assert summary(found) == "5 identical steps | step 6: tool delete only right | 1 step only right"
    back = compare(longer.json(), shorter.json())
    assert back.pairs[back.first].cause is Cause.MISSING_CALL


def test_the_same_steps_in_another_order_are_a_matter_of_order():
    left = Tape(1).tool("a", {}, 1).tool("b", {}, 2)
    right = Tape(2).tool("b", {}, 2).tool("a", {}, 1)
    found = compare(left.json(), right.json())
    assert found.pairs[found.first].cause is Cause.ORDER


def test_branches_are_compared_with_their_own_kind_however_they_interleaved():
    def tape(number, *order):
        made = Tape(number).agent("x").agent("y")
        counts = {"x": 0, "y": 0}
        for name in order:
            counts[name] += 1
            made.tool("work", {"who": name, "n": counts[name]}, "ok", agent=name)
        return made.json()

    for seed in range(10):
        order = ["x"] * 5 + ["y"] * 5
        random.Random(seed).shuffle(order)
        assert compare(tape(1, *["x"] * 5, *["y"] * 5), tape(2, *order)).first is None


def test_dropped_history_is_told_as_truncation():
    history = [said("user", f"message {n}") for n in range(6)]
    left = Tape(1).model(history, said("assistant", "ok"))
    right = Tape(2).model(history[3:], said("assistant", "ok"))
    assert first(left.json(), right.json()).cause is Cause.CONTEXT_TRUNCATED


def test_failed_against_completed_is_another_result():
    from spans.kinds import RunStatus

    left = Tape(1).tool("a", {}, 1)
    right = Tape(2).tool("a", {}, None, status=RunStatus.ERROR, error_type="TimeoutError")
    one = first(left.json(), right.json())
    assert (one.cause, one.differences[0].right) == (Cause.TOOL_RESULT, "failed")


def test_empty_runs_and_runs_without_content():
    assert summary(compare(Tape(1).json(), Tape(2).json())).startswith("nothing to compare")
    bare = {
        **GOOD,
        "exchanges": [{**e, "asked": {}, "answered": {}, "k1": "x" * 32, "k0": "x"} for e in GOOD["exchanges"]],
    }
    assert first(GOOD, bare).cause is Cause.CONTENT_MISSING


def test_json_and_text_say_what_the_comparison_says():
    found = compare(GOOD, refund(2, amount=1249.0).json())
    told = comparison_json(found)
    assert told["verdict"] == "diverged"
    assert told["first_divergence"]["differences"][0]["left"] == 499.0
    assert [step["match"] for step in told["steps"]].count("identical") == told["counts"]["identical"] == 6
    assert told["left"]["tools"] == {"lookup": 3, "refund": 1}
    words = text(found)
    assert "First divergence at step 7: a tool was called with other arguments." in words
    assert "- 499.00" in words
    assert "+ 1249.00" in words


def test_hostile_text_cannot_steer_a_terminal():
    left, right = refund(1, question="a\x1b[2J\nb"), refund(2, question="a\x1b[3J\u202eb")
    assert not {"\x1b", "\u202e"} & set(text(compare(left.json(), right.json())))


def test_every_cause_has_words():
    assert set(CAUSE_WORDS) == set(Cause)


def test_random_edits_are_found_where_they_were_made():
    chance = random.Random(8)
    for _ in range(40):
        steps = [("t" + str(chance.randrange(3)), chance.randrange(5)) for _ in range(chance.randrange(1, 25))]
        edited = list(steps)
        at = chance.randrange(len(steps))
        how = chance.choice(["change", "drop", "add"])
        if how == "change":
            edited[at] = (edited[at][0], 100)
        elif how == "drop":
            del edited[at]
        else:
            edited.insert(at, ("new", 100))
        tapes = []
        for number, script in ((1, steps), (2, edited)):
            tape = Tape(number)
            for name, argument in script:
                tape.tool(name, {"n": argument}, f"r{argument}")
            tapes.append(tape.json())
        found = compare(*tapes)
        counts = found.counts()
        assert found.first is not None
        assert counts[Match.CHANGED] + counts[Match.LEFT_ONLY] + counts[Match.RIGHT_ONLY] == 1
        if how == "change":
            assert found.first == at


def test_captures_compare_with_themselves_and_with_each_other():
    from replay.reading import read_recording
    from replay.recording import recording_json

    store, runs = stored(items_of(load(CAPTURES / "vercel-ai-6__http-json"), traces=8))
    told = [recording_json(read_recording(store, run)) for run in runs]
    for one in told:
        assert compare(one, one).first is None
        for other in told:
            assert comparison_json(compare(one, other))["steps"] is not None


def test_a_thousand_steps_that_differ_everywhere_are_compared_in_reasonable_time():
    tapes = []
    for number in (1, 2):
        tape = Tape(number)
        for index in range(1_000):
            tape.tool(f"t{index % 7}", {"n": index * number}, index)
        tapes.append(tape.json())
    started = time.perf_counter()
    found = compare(*tapes)
    assert time.perf_counter() - started < 30
    assert len(found.pairs) >= 1_000
