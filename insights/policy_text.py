"""Changes one entry of a policy file and leaves the rest of the text, comments included, as somebody wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

import yaml
from yaml.nodes import MappingNode

from spans.policy import SuccessRule


def with_entry(text: str, key: str, value: str) -> str:
    """The text with `key: value` at its top level; an entry that stands there already is replaced where it stands.

    A text that is no table is left alone: whoever saves it is told what is wrong with it.
    """
    line = f"{key}: {value}\n"
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return text
    if node is None:
        return text.rstrip("\n") + ("\n" if text.strip() else "") + line
    if not isinstance(node, MappingNode) or node.flow_style:
        return text
    lines = text.splitlines(keepends=True)
    entries = list(node.value)
    for number, (key_node, value_node) in enumerate(entries):
        if key_node.value == key:
            first = key_node.start_mark.line
            end = value_node.end_mark
            last = end.line if end.column == 0 and end.line > first else end.line + 1
            if number + 1 < len(entries):
                last = min(last, entries[number + 1][0].start_mark.line)
            return "".join([*lines[:first], line, *lines[last:]])
    return text.rstrip("\n") + "\n" + line


def success_value(rule: SuccessRule) -> str:
    """A success rule as the file writes it."""
    parts = []
    if rule.status is not None:
        parts.append(f"status: {_scalar(rule.status)}")
    if rule.no_denials:
        parts.append("no_denials: true")
    if rule.min_scores:
        scores = ", ".join(f"{_scalar(name)}: {number_text(floor)}" for name, floor in rule.min_scores.items())
        parts.append(f"min_scores: {{{scores}}}")
    if rule.final_tool is not None:
        parts.append(f"final_tool: {_scalar(rule.final_tool)}")
    return "{" + ", ".join(parts) + "}"


def list_value(names: Iterable[str]) -> str:
    """Names as a list in one line."""
    return "[" + ", ".join(_scalar(name) for name in names) + "]"


def limits_value(limits: Mapping[str, float | Decimal | None]) -> str:
    """Limits of a run as the file writes them; None is no limit."""
    return "{" + ", ".join(f"{name}: {number_text(value)}" for name, value in limits.items() if value is not None) + "}"


def number_text(value: float | Decimal) -> str:
    """A number as the file writes it: all of its digits and no exponent, which YAML would read as a word."""
    text = f"{Decimal(str(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def name_value(name: str) -> str:
    """A name as the file writes it."""
    return _scalar(name)


def new_text(workflow: str) -> str:
    """The shortest policy of a workflow."""
    return f"workflow_id: {_scalar(workflow)}\n"


def _scalar(text: str) -> str:
    """A name that YAML reads back as this very text."""
    is_plain = text[:1].isalpha() and all(c.isalnum() or c in "_-./" for c in text)
    return text if is_plain and isinstance(yaml.safe_load(text), str) else json.dumps(text)
