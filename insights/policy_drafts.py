"""Drafts of a policy file: the one in force made looser for one tool or rule, or with one limit more; nobody's comments are lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from insights.policies import EVERY
from insights.policy_file import PolicyFileError, parse_policy
from insights.policy_text import limits_value, list_value, name_value, new_text, success_value, with_entry
from spans.policy import Limits, Policy, SuccessRule
from store.ledger.policies import PolicyVersion

LIMITS = tuple(Limits.__slots__)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to look at, and what was done to it."""

    text: str
    words: str


def loosened(versions: Iterable[PolicyVersion], workflow: str, tool: str, rule: str) -> Draft:
    """The policy in force for a workflow without what stops a tool: off the forbidding lists, onto the allow-list, the limit gone."""
    text, policy = _in_force(versions, workflow)
    done = []
    if tool:
        for name in ("denied_tools", "require_approval"):
            names = getattr(policy, name)
            if tool in names:
                text = with_entry(text, name, list_value(n for n in names if n != tool))
                done.append(f"{tool} is off {name}")
        if policy.allowed_tools is not None and tool not in policy.allowed_tools:
            text = with_entry(text, "allowed_tools", list_value((*policy.allowed_tools, tool)))
            done.append(f"{tool} is on allowed_tools")
    if rule in LIMITS and getattr(policy.limits, rule) is not None:
        kept = {name: getattr(policy.limits, name) for name in LIMITS if name != rule}
        text = with_entry(text, "limits", limits_value(kept))
        done.append(f"{rule} is gone")
    if done:
        return Draft(text, f"Loosened: {', '.join(done)}.")
    what = tool or rule or "it"
    return Draft(
        text, f"The policy kept here does not forbid {what}: another control stopped it, and this one lets it run."
    )


def limited(versions: Iterable[PolicyVersion], workflow: str, limit: str, value: float) -> Draft:
    """The policy in force for a workflow with one limit of a run set."""
    text, policy = _in_force(versions, workflow)
    limits = {name: getattr(policy.limits, name) for name in LIMITS} | {limit: value}
    return Draft(with_entry(text, "limits", limits_value(limits)), f"{limit} is set to {value:g}.")


def with_approval(versions: Iterable[PolicyVersion], workflow: str, tool: str) -> Draft:
    """The policy in force for a workflow with one tool that waits for a person."""
    text, policy = _in_force(versions, workflow)
    if tool in policy.denied_tools:
        return Draft(text, f"{tool} is on denied_tools already: nobody may call it.")
    names = tuple(dict.fromkeys((*policy.require_approval, tool)))
    text = with_entry(text, "require_approval", list_value(names))
    if tool in (policy.allowed_tools or ()):
        rest = [name for name in policy.allowed_tools or () if name != tool]
        text = with_entry(text, "allowed_tools", list_value(rest))
    return Draft(text, f"{tool} waits for a person.")


def with_success(versions: Iterable[PolicyVersion], workflow: str, rule: SuccessRule) -> str:
    """The policy in force for a workflow with another success rule; a text that cannot be read stays as wrong as it is."""
    return with_entry(_text_in_force(versions, workflow), "success", success_value(rule))


def _text_in_force(versions: Iterable[PolicyVersion], workflow: str) -> str:
    texts = {version.workflow: version.text for version in versions}
    text = texts.get(workflow) or texts.get(EVERY) or new_text(workflow)
    return with_entry(text, "workflow_id", name_value(workflow))


def _in_force(versions: Iterable[PolicyVersion], workflow: str) -> tuple[str, Policy]:
    """The text that judges a workflow, under its own name; the shortest one when there is none or it cannot be read."""
    text = _text_in_force(versions, workflow)
    try:
        return text, parse_policy(text)
    except PolicyFileError:
        return new_text(workflow), Policy(workflow)
