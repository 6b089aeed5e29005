"""What a run achieved: unknown is never success."""

from __future__ import annotations

import pytest

from insights.outcomes import judge_outcome
from spans.facts import Evaluation
from spans.kinds import OutcomeLabel, RunShape, RunStatus
from spans.policy import Policy, SuccessRule
from spans.run import Outcome
from tests.builders import a_run, a_step


def outcome(*evaluations, policy=None, **run):
    judged = judge_outcome(a_run(**run), [a_step(evaluations=evaluations)], policy)
    return judged.label.value, judged.source


UNKNOWN = ("unknown", "")


def test_a_run_that_merely_ended_well_is_unknown():
    assert outcome() == UNKNOWN


def test_a_run_that_ended_in_an_error_failed():
    assert outcome(status=RunStatus.ERROR) == ("failure", "status")


@pytest.mark.parametrize(
    ("evaluation", "expected"),
    [
        (Evaluation("task_success", label="pass"), ("success", "evaluation")),
        (Evaluation("Task Success", label="PASSED"), ("success", "evaluation")),
        (Evaluation("task_success", label="fail", score=1.0), ("failure", "evaluation")),
        (Evaluation("task_success", score=1.0), ("success", "evaluation")),
        (Evaluation("task_success", score=0.0), ("failure", "evaluation")),
        (Evaluation("task_success", score=0.8), UNKNOWN),
        (Evaluation("task_success", label="rather good"), UNKNOWN),
        (Evaluation("task_success", label="handed-off"), ("handed_off", "evaluation")),
        (Evaluation("task_success"), UNKNOWN),
        (Evaluation("helpfulness", label="pass", score=1.0), UNKNOWN),
        (Evaluation("toxicity", score=0.0), UNKNOWN),
        (Evaluation("user_feedback", label="thumbs_down"), ("failure", "feedback")),
        (Evaluation("outcome", label="resolved", annotator="HUMAN"), ("success", "feedback")),
        (Evaluation("", label="pass"), UNKNOWN),
    ],
)
def test_one_evaluation_says(evaluation, expected):
    assert outcome(evaluation) == expected


def test_a_person_outweighs_an_evaluator():
    machine = Evaluation("task_success", label="pass", annotator="LLM")
    person = Evaluation("task_success", label="fail", annotator="HUMAN")
    assert outcome(machine, person) == outcome(person, machine) == ("failure", "feedback")
    assert outcome(Evaluation("task_success", label="fail"), Evaluation("success", label="yes", annotator="human")) == (
        "success",
        "feedback",
    )


def test_of_several_verdicts_the_worst_counts():
    good, bad = Evaluation("task_success", label="pass"), Evaluation("resolved", label="no")
    assert outcome(good, bad) == ("failure", "evaluation")


def test_what_an_evaluator_says_outweighs_an_error_on_the_way():
    assert outcome(Evaluation("task_success", label="pass"), status=RunStatus.ERROR) == ("success", "evaluation")


@pytest.mark.parametrize(
    "run",
    [
        {"status": RunStatus.RUNNING},
        {"waiting_for": "approval of apply"},
        {"shape": RunShape.SETUP},
        {"shape": RunShape.NO_AGENT, "status": RunStatus.ERROR},
    ],
)
def test_a_run_that_has_not_ended_or_has_no_goal_has_no_outcome(run):
    assert outcome(Evaluation("task_success", label="pass"), **run) == UNKNOWN


def test_a_policy_that_defines_success_decides_alone():
    policy = Policy("refunds", success=SuccessRule(min_scores={"tone": 0.5}))
    assert outcome(Evaluation("task_success", label="pass"), policy=policy) == UNKNOWN
    assert outcome(Evaluation("tone", 0.2), Evaluation("task_success", label="pass"), policy=policy) == (
        "failure",
        "policy",
    )


def test_a_policy_without_a_success_rule_leaves_the_word_to_others():
    assert outcome(Evaluation("task_success", label="pass"), policy=Policy("refunds")) == ("success", "evaluation")


def test_success_always_has_a_source():
    for policy in (None, Policy("w", success=SuccessRule(status="ok"))):
        judged = judge_outcome(a_run(), [a_step(evaluations=(Evaluation("success", score=1),))], policy)
        assert judged.label is OutcomeLabel.SUCCESS
        assert judged.source


def test_a_label_from_outside_decides_over_everything_else():
    policy = Policy("refunds", success=SuccessRule(status="ok"))
    label = Outcome(OutcomeLabel.FAILURE, "review")
    assert judge_outcome(a_run(), [a_step()], policy, label) == label
    assert judge_outcome(a_run(status=RunStatus.RUNNING), [a_step()], None, label) == label
