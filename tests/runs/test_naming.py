from __future__ import annotations

import pytest

from runs.assemble import assemble
from runs.facts import facts_of
from runs.naming import is_telling, stripped
from spans.naming import NamingRule, NamingRules
from tests.runs.spans_of import BOOK, agent, assembled, chat, clean


@pytest.mark.parametrize(
    "name",
    ["Agent workflow", "LangGraph", "agent run", "gpt-4o-mini", "claude-sonnet-4-5", "us.anthropic.claude-3-5-haiku", "openai/gpt-5",
     "7f9c24e8-3b12-4f1e-9d2a-1b2c3d4e5f60", "7f9c24e83b124f1e9d2a1b2c3d4e5f60", "", "42", "RunnableSequence"],
)  # fmt: skip
def test_defaults_ids_and_models_are_no_names(name):
    assert not is_telling(name)


@pytest.mark.parametrize(
    "name", ["refund_agent", "Support Agent", "support workflow", "billing_adjustments_v3", "gpt_reviewer"]
)
def test_names_that_people_give_are_names(name):
    assert is_telling(name)


@pytest.mark.parametrize(
    ("raw", "clean_name"),
    [
        ("invoke_agent support", "support"),
        ("POST /v1/users/12345/refund", "POST /v1/users/{id}/refund"),
        ("job 7f9c24e8-3b12-4f1e-9d2a-1b2c3d4e5f60", "job {id}"),
        ("answer.workflow", "answer"),
        ("handle_request", "handle_request"),
        ("run-0af7651916cd43dd8448eb211c80319c", "run-{id}"),
    ],
)
def test_ids_and_operations_go_from_span_names(raw, clean_name):
    assert stripped(raw) == clean_name


def named(*items, rules=None):
    run = assemble([facts_of(item) for item in items], book=BOOK, naming=rules).run
    return run.workflow, run.workflow_source


def test_an_attribute_beats_the_agent():
    assert named(clean(1, "x", {"gen_ai.workflow.name": "refunds"}), agent(2, parent=1)) == ("refunds", "attribute")


def test_the_agent_beats_the_service():
    assert named(agent(1, "support")) == ("support", "agent")


def test_the_service_beats_the_root_span():
    assert named(clean(1, "handle_request", {})) == ("refund-agent", "service")


def test_an_unknown_service_is_no_name():
    assert named(clean(1, "handle_request", {}, resource={"service.name": "unknown_service:python"})) == (
        "handle_request",
        "root",
    )


def test_a_lone_model_call_of_an_unknown_service_is_unnamed():
    assert named(chat(1, resource={})) == ("unnamed", "none")


def test_the_first_matching_rule_wins():
    rules = NamingRules((NamingRule("a", agent="nobody"), NamingRule("b", agent="supp*"), NamingRule("c")))
    assert named(agent(1, "support"), rules=rules) == ("b", "rule")


def test_versions_come_from_the_nearest_source():
    resource = {"service.name": "svc", "service.version": "9"}
    assert assembled(agent(1, resource=resource)).run.workflow_version == "9"
    assert assembled(agent(1, resource=resource, attributes={"gen_ai.agent.version": "3"})).run.workflow_version == "3"
