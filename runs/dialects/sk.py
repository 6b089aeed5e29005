"""Semantic Kernel, in Python and .NET."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _sk_facts(view: View, draft: Draft) -> None:
    first = view.name.partition(" ")[0]
    if first in {"chat.completions", "text.completions", "chat"}:
        draft.guess(SpanKind.MODEL, Strength.NAME, "Semantic Kernel span name")
    elif first == "AutoFunctionInvocationLoop":
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, "Semantic Kernel span name", "loop")


SEMANTIC_KERNEL = Dialect(
    id="sk",
    title="Semantic Kernel",
    scopes=("semantic_kernel*", "Microsoft.SemanticKernel*"),
    families=frozenset({"sk"}),
    facts=_sk_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.NAME: ("sk.available_functions",)},
)
