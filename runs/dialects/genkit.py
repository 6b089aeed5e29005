"""Firebase Genkit: actions whose type stands in `genkit:metadata:subtype`, input and output as JSON."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.rawusage import usage_in
from runs.sheet import Sheet, documents_of
from runs.values import as_map
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind

_SIGNS = frozenset({"genkit:name", "genkit:type", "genkit:metadata:subtype", "genkit:input"})
_FLOWS = frozenset({"flow", "flowStep", "helper", "util", "indexer"})


def _facts(view: View, draft: Draft) -> None:
    subtype = view.text("genkit:metadata:subtype", "genkit:type")
    if subtype in _FLOWS:
        draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "genkit:metadata:subtype", subtype)
    else:
        draft.guess_value(subtype, Strength.VENDOR, "genkit:metadata:subtype")
    name = view.text("genkit:name")
    kind = draft.best_guess().kind
    if kind is SpanKind.TOOL:
        draft.put("tool_name", name)
    elif kind in {SpanKind.MODEL, SpanKind.EMBEDDING}:
        provider, slash, model = name.partition("/")
        draft.put("provider", provider if slash else "")
        draft.put("request_model", model or name)
        usage = as_map(as_map(view.structured("genkit:output")).get("usage"))
        draft.count(usage_in(usage))
    elif subtype == "flow":
        draft.put("workflow", name)
    draft.put("session_id", view.attributes.get("genkit:sessionId"))


def _content(view: View, sheet: Sheet) -> None:
    subtype = view.text("genkit:metadata:subtype")
    given, made = view.structured("genkit:input"), view.structured("genkit:output")
    if subtype == "tool":
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)
    elif subtype == "model":
        sheet.put_input(each_message(given, "user"))
        sheet.put_output(each_message(as_map(made).get("message") or made, "assistant"))
    elif subtype == "retriever":
        sheet.put_text("retrieval_query", as_map(given).get("query"))
        sheet.put_documents("documents", documents_of(made))
    sheet.put("input", given)
    sheet.put("output", made)


GENKIT = Dialect(
    id="genkit",
    title="Firebase Genkit",
    scopes=("genkit-tracer",),
    detect=lambda view: not _SIGNS.isdisjoint(view.attributes),
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: ("genkit:input", "genkit:output"),
        FieldClass.NAME: ("genkit:name",),
        FieldClass.IDENTIFIER: ("genkit:*",),
    },
)
