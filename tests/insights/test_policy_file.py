"""A policy file becomes a policy, or one sentence that names file, line, fault and remedy."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from insights.policy_file import PolicyFileError, parse_policy
from spans.errors import RefusedError
from spans.policy import Budget, Limits, Owner, Policy, Retention, SuccessRule, Targets, ToolEffect

WHOLE = """\
workflow_id: billing_adjustments_v3
owner: {team: payments, to: [payments-oncall], runbook_url: "https://wiki.example.com/r", stop_url: "https://x.example.com", queue_url: "https://q.example.com"}
timezone: Europe/Berlin                  # days of budgets, strata of baselines
allowed_tools: [read_invoice, compute_proration, create_adjustment_draft]
require_approval: [apply_adjustment]
denied_tools: [execute_refund]           # never, whoever approves
tool_effects: {apply_adjustment: write, execute_refund: irreversible}
limits: {max_tool_calls: 12, max_cost_usd: 0.35, max_duration_s: 120, max_tokens: 60000}
success: {status: ok, no_denials: true, min_scores: {helpfulness: 0.7}, final_tool: create_adjustment_draft}
slo: {success_rate: 0.95, cost_per_success_usd: 0.20, p95_duration_s: 60, intervention_rate: 0.10}
budget: {usd: 40, per: 1d}
logging: {retention_days: 365, content_retention_days: 30}
"""


def test_the_whole_file_becomes_a_policy():
    policy = parse_policy(WHOLE)
    assert policy == Policy(
        workflow_id="billing_adjustments_v3",
        owner=Owner(
            "payments",
            ("payments-oncall",),
            "https://wiki.example.com/r",
            "https://x.example.com",
            "https://q.example.com",
        ),
        timezone="Europe/Berlin",
        allowed_tools=("read_invoice", "compute_proration", "create_adjustment_draft"),
        require_approval=("apply_adjustment",),
        denied_tools=("execute_refund",),
        tool_effects={"apply_adjustment": ToolEffect.WRITE, "execute_refund": ToolEffect.IRREVERSIBLE},
        limits=Limits(12, Decimal("0.35"), 120.0, 60000),
        success=SuccessRule("ok", True, {"helpfulness": 0.7}, "create_adjustment_draft"),
        targets=Targets(0.95, Decimal("0.20"), 60.0, 0.10),
        budget=Budget(Decimal(40), 1),
        retention=Retention(365, 30),
        version=policy.version,
    )


def test_the_smallest_file_asks_for_nothing():
    policy = parse_policy("workflow_id: '*'")
    assert policy == Policy("*", version=policy.version)
    assert policy.allowed_tools is None
    assert not policy.success.is_defined()


def test_the_version_follows_what_the_file_says_and_not_how_it_is_written():
    first = parse_policy("workflow_id: w\ndenied_tools: [a]")
    assert parse_policy("# a comment\ndenied_tools:\n  - a\nworkflow_id:   w\n").version == first.version
    assert parse_policy("workflow_id: w\ndenied_tools: [b]").version != first.version


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "p.yaml: empty. Write at least workflow_id."),
        ("- a", "p.yaml, line 1: the file must be a table."),
        ("owner: {}", "p.yaml, line 1: workflow_id is missing. Write workflow_id: my-workflow, or '*' for all."),
        ("workflow_id: w\ndenyed_tools: [x]", "line 2: unknown name 'denyed_tools'. Did you mean denied_tools?"),
        ("workflow_id: w\nzzz: 1", "line 2: unknown name 'zzz'. Known names: workflow_id, owner"),
        ("workflow_id: w\nworkflow_id: v", "line 2: 'workflow_id' stands here twice. Keep one."),
        ("workflow_id: 12", "line 1: workflow_id must be a short text. Put quotes"),
        ("workflow_id: ''", "line 1: workflow_id must be a short text."),
        ('workflow_id: "a\\nb"', "workflow_id must be a short text."),
        ("workflow_id: w\ndenied_tools: wipe", "line 2: denied_tools must be a list. Write it like [first, second]."),
        ("workflow_id: w\ndenied_tools:\n  - a\n  - yes", "line 4: denied_tools[1] must be a short text."),
        ("workflow_id: w\ndenied_tools: [a, a]", "line 2: denied_tools[1] repeats 'a'. Keep one."),
        (
            "workflow_id: w\ndenied_tools: [a]\nallowed_tools: [a]",
            "line 2: denied_tools holds 'a', which is also allowed",
        ),
        ("workflow_id: w\ntool_effects: {a: destroy}", "tool_effects.a is 'destroy'. Use one of: read, write, irrev"),
        ("workflow_id: w\nlimits:\n  max_cost_usd: lots", "line 3: limits.max_cost_usd is 'lots'. Write a number"),
        ("workflow_id: w\nlimits: {max_cost_usd: -1}", "limits.max_cost_usd is '-1'. Write a number from 0"),
        ("workflow_id: w\nlimits: {max_cost_usd: .nan}", "limits.max_cost_usd is '.nan'."),
        ("workflow_id: w\nlimits: {max_tokens: 1.5}", "limits.max_tokens is '1.5'. Write a whole number."),
        ("workflow_id: w\nlimits: {max_tokens: [1]}", "limits.max_tokens is not a single value."),
        ("workflow_id: w\nlimits: {max_token: 1}", "limits has the unknown name 'max_token'. Did you mean max_tokens?"),
        ("workflow_id: w\nlimits: 3", "line 2: limits must be a table of names and values."),
        ("workflow_id: w\nsuccess: {status: fine}", "success.status is 'fine'. Use one of: ok, error."),
        ("workflow_id: w\nsuccess: {no_denials: 1}", "success.no_denials is '1'. Write true or false."),
        ("workflow_id: w\nslo: {success_rate: 95}", "slo.success_rate is '95'. Write a number from 0 to 1."),
        ("workflow_id: w\nbudget: {usd: 40}", "budget lacks per. Write it like {usd: 40, per: 1d}."),
        ("workflow_id: w\nbudget: {usd: 40, per: 2d}", "budget.per is '2d'. Use one of: 1d, 7d, 30d."),
        ("workflow_id: w\ntimezone: Mars/Olympus", "timezone is 'Mars/Olympus', which no time zone is called."),
        ("workflow_id: w\ntimezone: ../../etc/passwd", "which no time zone is called."),
        ("workflow_id: w\nowner: {stop_url: 'javascript:x'}", "owner.stop_url is 'javascript:x'. Write an address"),
        ("workflow_id: w\nowner: {stop_url: 'https://[x'}", "Write an address that begins with https://."),
        ("workflow_id: w\nlogging: {retention_days: 0}", "logging.retention_days is '0'. Write a number from 1"),
        (
            "workflow_id: w\nlogging: {retention_days: 5, content_retention_days: 6}",
            "is longer than logging.retention_days. Content is kept no longer than its run.",
        ),
        ("workflow_id: w\nowner: {team: [a", "p.yaml, line 2: not YAML:"),
        ("workflow_id: w\n---\nworkflow_id: v", "p.yaml, line 2: not YAML:"),
        ("workflow_id: !!python/object/apply:os.system [x]", "line 1: workflow_id must be a short text."),
        ("? [a, b]\n: 1", "has a key that is not a name."),
        ("[" * 30_000, "p.yaml: not YAML"),
        ("workflow_id: w #" + "x" * 70_000, "p.yaml: larger than 64 KiB."),
        ("workflow_id: w\x00", "p.yaml: not YAML"),
        ("workflow_id: w\ndenied_tools: [" + ",".join(f"t{n}" for n in range(501)) + "]", "more than 500 entries"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_with_its_line(text, sentence):
    with pytest.raises(PolicyFileError) as refused:
        parse_policy(text, file="p.yaml")
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("p.yaml")


def test_aliases_that_grow_without_end_cost_nothing():
    lines = ["workflow_id: w", "owner: &a0 {team: x}"] + [f"k{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(PolicyFileError, match="unknown name 'k1'"):
        parse_policy("\n".join(lines))


@given(st.text(max_size=300))
def test_any_text_becomes_a_policy_or_our_error(text):
    with contextlib.suppress(RefusedError):
        parse_policy(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)


@given(
    st.dictionaries(
        st.sampled_from(["workflow_id", "limits", "success", "owner", "slo", "budget", "logging", "denied_tools"]),
        st.recursive(
            SCALARS,
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["usd", "per", "status"]), inner)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_shape_becomes_a_policy_or_our_error(data):
    with contextlib.suppress(RefusedError):
        parse_policy(yaml.safe_dump(data))
