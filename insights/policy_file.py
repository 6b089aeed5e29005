"""Reads a policy file: YAML in at the door, a frozen `Policy` out, and errors that name the line."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import zoneinfo
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import urlsplit

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from spans.errors import RefusedError
from spans.policy import Budget, Limits, Owner, Policy, Retention, SuccessRule, Targets, ToolEffect

T = TypeVar("T")
Read = Callable[["_Place"], T]

MAX_BYTES = 64 * 1024
"""A policy is a page of text; more is a mistake or an attack."""

MAX_NAMES = 500
"""Entries of one list or table."""

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


class PolicyFileError(RefusedError):
    """The file cannot be used; the sentence says which file, which line, what is wrong and what to write instead."""


def parse_policy(text: str, *, file: str = "policy.yaml") -> Policy:
    """Read one policy.

    Args:
        text: The file's content, YAML 1.1 as PyYAML reads it, one document.
        file: The name that errors speak of.

    Returns:
        The policy; its `version` is a digest of what it says, so comments and layout do not make a new version.

    Raises:
        PolicyFileError: the text is not a policy.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise PolicyFileError(f"{file}: larger than {MAX_BYTES // 1024} KiB. Write one policy per workflow.")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise PolicyFileError(f"{file}{where}: not YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PolicyFileError(f"{file}: not YAML ({type(error).__name__}).") from None
    if node is None:
        raise PolicyFileError(f"{file}: empty. Write at least workflow_id.")
    policy = _policy(_Place(file, "", node))
    return replace(policy, version=_digest(policy))


def _digest(policy: Policy) -> str:
    said = json.dumps(asdict(policy), sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]


class _Place:
    """A node with the words to complain about it."""

    def __init__(self, file: str, path: str, node: Node) -> None:
        self.file = file
        self.path = path
        self.node = node

    def refuse(self, what: str, advice: str = "") -> PolicyFileError:
        line = self.node.start_mark.line + 1
        name = f"{self.path} " if self.path else ""
        return PolicyFileError(f"{self.file}, line {line}: {name}{what}. {advice}".rstrip())

    def fields(self, known: Collection[str] | None = None) -> dict[str, _Place]:
        """A mapping's entries; unknown, repeated and non-text keys are refused."""
        if not isinstance(self.node, MappingNode):
            raise self.refuse("must be a table of names and values" if self.path else "the file must be a table")
        found: dict[str, _Place] = {}
        for key_node, value_node in self.node.value:
            at = _Place(self.file, self.path, key_node)
            if not isinstance(key_node, ScalarNode) or not key_node.value:
                raise at.refuse("has a key that is not a name")
            name = str(key_node.value)
            if known is not None and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                advice = f"Did you mean {close[0]}?" if close else f"Known names: {', '.join(known)}."
                raise at.refuse(f"has the unknown name {name!r}" if self.path else f"unknown name {name!r}", advice)
            if name in found:
                raise at.refuse(f"has {name!r} twice" if self.path else f"{name!r} stands here twice", "Keep one.")
            found[name] = _Place(self.file, f"{self.path}.{name}" if self.path else name, value_node)
        if len(found) > MAX_NAMES:
            raise self.refuse(f"has more than {MAX_NAMES} entries")
        return found

    def items(self) -> list[_Place]:
        if not isinstance(self.node, SequenceNode):
            raise self.refuse("must be a list", "Write it like [first, second].")
        if len(self.node.value) > MAX_NAMES:
            raise self.refuse(f"has more than {MAX_NAMES} entries")
        return [_Place(self.file, f"{self.path}[{n}]", node) for n, node in enumerate(self.node.value)]

    def scalar(self, *tags: str) -> str | None:
        """The raw text of a scalar of one of these YAML types, else None."""
        wanted = {f"tag:yaml.org,2002:{tag}" for tag in tags}
        return str(self.node.value) if isinstance(self.node, ScalarNode) and self.node.tag in wanted else None


def _policy(place: _Place) -> Policy:
    fields = place.fields(_TOP)
    if "workflow_id" not in fields:
        raise place.refuse("workflow_id is missing", "Write workflow_id: my-workflow, or '*' for all.")
    policy = Policy(
        workflow_id=_text(fields["workflow_id"]),
        owner=_in(fields, "owner", _owner, Owner()),
        timezone=_in(fields, "timezone", _timezone, "UTC"),
        allowed_tools=_in(fields, "allowed_tools", _names, None),
        require_approval=_in(fields, "require_approval", _names, ()),
        denied_tools=_in(fields, "denied_tools", _names, ()),
        tool_effects=_in(fields, "tool_effects", _effects, {}),
        limits=_in(fields, "limits", _limits, Limits()),
        success=_in(fields, "success", _success, SuccessRule()),
        targets=_in(fields, "slo", _targets, Targets()),
        budget=_in(fields, "budget", _budget, None),
        retention=_in(fields, "logging", _retention, Retention()),
    )
    for tool in policy.denied_tools:
        if tool in policy.require_approval or tool in (policy.allowed_tools or ()):
            raise fields["denied_tools"].refuse(
                f"holds {tool!r}, which is also allowed or approvable", "Denied means never: keep it in one list."
            )
    return policy


def _in(fields: Mapping[str, _Place], name: str, read: Read[T], default: T) -> T:
    return read(fields[name]) if name in fields else default


def _text(place: _Place) -> str:
    text = place.scalar("str")
    if text is None or not text.strip() or not text.isprintable():
        raise place.refuse("must be a short text", "Put quotes around numbers and words like yes.")
    return text.strip()


def _names(place: _Place) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for item in place.items():
        name = _text(item)
        if name in names:
            raise item.refuse(f"repeats {name!r}", "Keep one.")
        names[name] = None
    return tuple(names)


def _one_of(place: _Place, choices: Collection[str]) -> str:
    text = place.scalar("str")
    if text is None or text not in choices:
        raise place.refuse(f"is {_shown(place)}", f"Use one of: {', '.join(choices)}.")
    return text


def _shown(place: _Place) -> str:
    return repr(place.node.value[:60]) if isinstance(place.node, ScalarNode) else "not a single value"


def _number(place: _Place, *, above: float = 0.0, most: float = 1e12) -> float:
    raw = place.scalar("int", "float")
    try:
        number = float(raw.replace("_", "")) if raw is not None else math.nan
    except ValueError:  # 0x10, 1:30 and other YAML 1.1 notations are refused rather than guessed
        number = math.nan
    if not (math.isfinite(number) and above <= number <= most):
        raise place.refuse(f"is {_shown(place)}", f"Write a number from {above:g} to {most:g}.")
    return number


def _whole(place: _Place, *, least: int = 1) -> int:
    number = _number(place, above=least)
    if number != int(number):
        raise place.refuse(f"is {_shown(place)}", "Write a whole number.")
    return int(number)


def _money(place: _Place) -> Decimal:
    _number(place)
    try:
        return Decimal(str(place.scalar("int", "float")).replace("_", ""))
    except InvalidOperation:
        raise place.refuse(f"is {_shown(place)}", "Write an amount like 0.35.") from None


def _rate(place: _Place) -> float:
    return _number(place, most=1.0)


def _truth(place: _Place) -> bool:
    raw = (place.scalar("bool") or "").lower()
    if raw not in {"true", "false"}:
        raise place.refuse(f"is {_shown(place)}", "Write true or false.")
    return raw == "true"


def _url(place: _Place) -> str:
    text = _text(place)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise place.refuse(f"is {text[:60]!r}", "Write an address that begins with https://.")
    return text


def _timezone(place: _Place) -> str:
    name = _text(place)
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise place.refuse(f"is {name[:60]!r}, which no time zone is called", "Write it like Europe/Berlin.") from None
    return name


def _owner(place: _Place) -> Owner:
    fields = place.fields(("team", "to", "runbook_url", "stop_url", "queue_url"))
    return Owner(
        team=_in(fields, "team", _text, ""),
        to=_in(fields, "to", _names, ()),
        runbook_url=_in(fields, "runbook_url", _url, ""),
        stop_url=_in(fields, "stop_url", _url, ""),
        queue_url=_in(fields, "queue_url", _url, ""),
    )


def _effects(place: _Place) -> dict[str, ToolEffect]:
    choices = tuple(effect.value for effect in ToolEffect)
    return {tool: ToolEffect(_one_of(value, choices)) for tool, value in place.fields().items()}


def _limits(place: _Place) -> Limits:
    fields = place.fields(("max_tool_calls", "max_cost_usd", "max_duration_s", "max_tokens"))
    return Limits(
        max_tool_calls=_in(fields, "max_tool_calls", lambda p: _whole(p, least=0), None),
        max_cost_usd=_in(fields, "max_cost_usd", _money, None),
        max_duration_s=_in(fields, "max_duration_s", _number, None),
        max_tokens=_in(fields, "max_tokens", lambda p: _whole(p, least=0), None),
    )


def _success(place: _Place) -> SuccessRule:
    fields = place.fields(("status", "no_denials", "min_scores", "final_tool"))
    return SuccessRule(
        status=_in(fields, "status", lambda p: _one_of(p, ("ok", "error")), None),
        no_denials=_in(fields, "no_denials", _truth, False),
        min_scores=_in(fields, "min_scores", _scores, {}),
        final_tool=_in(fields, "final_tool", _text, None),
    )


def _scores(place: _Place) -> dict[str, float]:
    return {name: _number(value, above=-1e12) for name, value in place.fields().items()}


def _targets(place: _Place) -> Targets:
    fields = place.fields(("success_rate", "cost_per_success_usd", "p95_duration_s", "intervention_rate"))
    return Targets(
        success_rate=_in(fields, "success_rate", _rate, None),
        cost_per_success_usd=_in(fields, "cost_per_success_usd", _money, None),
        p95_duration_s=_in(fields, "p95_duration_s", _number, None),
        intervention_rate=_in(fields, "intervention_rate", _rate, None),
    )


def _budget(place: _Place) -> Budget:
    fields = place.fields(("usd", "per"))
    missing = [name for name in ("usd", "per") if name not in fields]
    if missing:
        raise place.refuse(f"lacks {missing[0]}", "Write it like {usd: 40, per: 1d}.")
    return Budget(_money(fields["usd"]), _PERIODS[_one_of(fields["per"], tuple(_PERIODS))])


def _retention(place: _Place) -> Retention:
    fields = place.fields(("retention_days", "content_retention_days"))
    kept = Retention(
        retention_days=_in(fields, "retention_days", _whole, None),
        content_retention_days=_in(fields, "content_retention_days", _whole, None),
    )
    if kept.retention_days and kept.content_retention_days and kept.content_retention_days > kept.retention_days:
        raise fields["content_retention_days"].refuse(
            "is longer than logging.retention_days", "Content is kept no longer than its run."
        )
    return kept
