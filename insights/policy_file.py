"""Reads a policy file: YAML in at the door, a frozen `Policy` out, and errors that name the line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

from insights import yaml_place as read
from insights.yaml_place import Place, YamlFileError, optional
from spans.policy import Budget, Limits, Owner, Policy, Retention, SuccessRule, Targets, ToolEffect

_PERIODS = {"1d": 1, "7d": 7, "30d": 30}
_TOP = (
    "workflow_id",
    "owner",
    "timezone",
    "allowed_tools",
    "require_approval",
    "denied_tools",
    "tool_effects",
    "limits",
    "success",
    "slo",
    "budget",
    "logging",
)


PolicyFileError = YamlFileError
"""A policy file is a YAML file; the name under which policies refuse."""


def parse_policy(text: str, *, file: str = "policy.yaml") -> Policy:
    """Read one policy.

    Args:
        text: The file's content, YAML 1.1 as PyYAML reads it, one document.
        file: The name that errors speak of.

    Returns:
        The policy; its `version` is a digest of what it says, so comments and layout do not make a new version.

    Raises:
        YamlFileError: the text is not a policy.
    """
    root = read.compose(
        text, file=file, too_large="Write one policy per workflow.", empty="Write at least workflow_id."
    )
    policy = _policy(root)
    return replace(policy, version=_digest(policy))


def _digest(policy: Policy) -> str:
    said = json.dumps(asdict(policy), sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]


def _policy(place: Place) -> Policy:
    fields = place.fields(_TOP)
    if "workflow_id" not in fields:
        raise place.refuse("workflow_id is missing", "Write workflow_id: my-workflow, or '*' for all.")
    policy = Policy(
        workflow_id=read.text(fields["workflow_id"]),
        owner=optional(fields, "owner", _owner, Owner()),
        timezone=optional(fields, "timezone", read.timezone, "UTC"),
        allowed_tools=optional(fields, "allowed_tools", read.names, None),
        require_approval=optional(fields, "require_approval", read.names, ()),
        denied_tools=optional(fields, "denied_tools", read.names, ()),
        tool_effects=optional(fields, "tool_effects", _effects, {}),
        limits=optional(fields, "limits", _limits, Limits()),
        success=optional(fields, "success", _success, SuccessRule()),
        targets=optional(fields, "slo", _targets, Targets()),
        budget=optional(fields, "budget", _budget, None),
        retention=optional(fields, "logging", _retention, Retention()),
    )
    for tool in policy.denied_tools:
        if tool in policy.require_approval or tool in (policy.allowed_tools or ()):
            raise fields["denied_tools"].refuse(
                f"holds {tool!r}, which is also allowed or approvable", "Denied means never: keep it in one list."
            )
    return policy


def _owner(place: Place) -> Owner:
    fields = place.fields(("team", "to", "runbook_url", "stop_url", "queue_url"))
    return Owner(
        team=optional(fields, "team", read.text, ""),
        to=optional(fields, "to", read.names, ()),
        runbook_url=optional(fields, "runbook_url", read.url, ""),
        stop_url=optional(fields, "stop_url", read.url, ""),
        queue_url=optional(fields, "queue_url", read.url, ""),
    )


def _effects(place: Place) -> dict[str, ToolEffect]:
    choices = tuple(effect.value for effect in ToolEffect)
    return {tool: ToolEffect(read.one_of(value, choices)) for tool, value in place.fields().items()}


def _limits(place: Place) -> Limits:
    fields = place.fields(("max_tool_calls", "max_cost_usd", "max_duration_s", "max_tokens"))
    return Limits(
        max_tool_calls=optional(fields, "max_tool_calls", lambda p: read.whole(p, least=0), None),
        max_cost_usd=optional(fields, "max_cost_usd", read.money, None),
        max_duration_s=optional(fields, "max_duration_s", read.number, None),
        max_tokens=optional(fields, "max_tokens", lambda p: read.whole(p, least=0), None),
    )


def _success(place: Place) -> SuccessRule:
    fields = place.fields(("status", "no_denials", "min_scores", "final_tool"))
    return SuccessRule(
        status=optional(fields, "status", lambda p: read.one_of(p, ("ok", "error")), None),
        no_denials=optional(fields, "no_denials", read.truth, False),
        min_scores=optional(fields, "min_scores", _scores, {}),
        final_tool=optional(fields, "final_tool", read.text, None),
    )


def _scores(place: Place) -> dict[str, float]:
    return {name: read.number(value, above=-1e12) for name, value in place.fields().items()}


def _targets(place: Place) -> Targets:
    fields = place.fields(("success_rate", "cost_per_success_usd", "p95_duration_s", "intervention_rate"))
    return Targets(
        success_rate=optional(fields, "success_rate", read.rate, None),
        cost_per_success_usd=optional(fields, "cost_per_success_usd", read.money, None),
        p95_duration_s=optional(fields, "p95_duration_s", read.number, None),
        intervention_rate=optional(fields, "intervention_rate", read.rate, None),
    )


def _budget(place: Place) -> Budget:
    fields = place.fields(("usd", "per"))
    missing = [name for name in ("usd", "per") if name not in fields]
    if missing:
        raise place.refuse(f"lacks {missing[0]}", "Write it like {usd: 40, per: 1d}.")
    return Budget(read.money(fields["usd"]), _PERIODS[read.one_of(fields["per"], tuple(_PERIODS))])


def _retention(place: Place) -> Retention:
    fields = place.fields(("retention_days", "content_retention_days"))
    kept = Retention(
        retention_days=optional(fields, "retention_days", read.whole, None),
        content_retention_days=optional(fields, "content_retention_days", read.whole, None),
    )
    if kept.retention_days and kept.content_retention_days and kept.content_retention_days > kept.retention_days:
        raise fields["content_retention_days"].refuse(
            "is longer than logging.retention_days", "Content is kept no longer than its run."
        )
    return kept
