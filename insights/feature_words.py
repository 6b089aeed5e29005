"""Features in words: what a person reads instead of `cost_usd` and `tools_refund`."""

from __future__ import annotations

from spans.finding import FeatureChange

_WORDS = {
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "cost_usd": "cost per run",
    "latency_ms": "duration",
    "model_calls": "model calls per run",
    "tool_calls": "tool calls per run",
    "retrieval_docs": "documents retrieved",
    "retrieval_score": "retrieval score",
    "cache_share": "input read from the cache",
    "repeated_reads": "repeated identical calls per run",
    "runs": "runs",
    "spend_usd": "spend",
    "redactions": "hidden values per run",
    "success": "successful runs",
    "error": "runs that end in an error",
    "failure": "failed runs",
    "handed_off": "runs handed to a person",
    "denied": "runs with a denied call",
    "intervention": "runs with an intervention",
    "refusal": "refusals",
    "truncated": "truncated answers",
    "tool_errors": "runs with a failed tool call",
    "invalid_params": "runs with arguments that do not fit",
    "retry": "runs with a retried call",
    "loop": "runs with a loop",
    "no_documents": "runs that found no documents",
    "tools": "the order of tools",
}
GROUPS = (
    ("cost", ("cost_usd",)),
    ("tokens", ("input_tokens", "output_tokens", "cache_share")),
    ("duration", ("latency_ms",)),
    ("tools", ("tool_calls", "tools", "tools_", "repeated_reads")),
    ("arguments", ("arg_", "invalid_params")),
    ("errors", ("error", "failure", "tool_errors", "retry")),
    ("denials", ("denied", "intervention")),
    ("retrieval", ("retrieval_", "no_documents")),
    ("answers", ("refusal", "truncated")),
    ("scores", ("score_",)),
)
"""What a workflow can change in, widest first: a name, or the beginning of names when it ends with `_`."""


def words_of(name: str) -> str:
    """A feature's name in words."""
    if name in _WORDS:
        return _WORDS[name]
    if name.startswith("entity_"):
        return f"runs with hidden values of kind {name.removeprefix('entity_')}"
    if name.startswith("tools_"):
        return f"runs that use {name.removeprefix('tools_')}"
    if name.startswith("arg_"):
        key, _, value = name.removeprefix("arg_").partition("=")
        return f"runs with {key} = {value}" if value else f"argument {key}"
    return f"score {name.removeprefix('score_')}" if name.startswith("score_") else name


def group_of(name: str) -> str:
    """The group a feature belongs to; empty when none."""
    for group, members in GROUPS:
        if any(name == member or (member.endswith("_") and name.startswith(member)) for member in members):
            return group
    return ""


def change_in_words(change: FeatureChange) -> str:
    """`cost per run $0.011 → $0.014 (+31 %)`."""
    words = words_of(change.name)
    if change.before is None or change.after is None:
        return f"{words} changed"
    if change.unit == "share":
        return f"{words} {_share(change.before)} → {_share(change.after)}"
    size = f" ({100 * (change.after / change.before - 1):+.0f} %)" if change.before else ""
    return f"{words} {value_in_words(change.before, change.unit)} → {value_in_words(change.after, change.unit)}{size}"


def value_in_words(value: float, unit: str) -> str:
    """A number as a person writes it."""
    if unit == "share":
        return _share(value)
    if unit == "usd" and value == 0:
        return "$0"
    if unit == "usd":
        return f"${value:,.2f}" if abs(value) >= 1 else f"${value:.2g}" if abs(value) >= 1e-4 else f"${value:.1e}"
    if unit == "ms":
        return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _share(value: float) -> str:
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"
