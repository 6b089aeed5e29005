"""Platforms that only add ids and tags to spans of other instrumentations: Weave, Opik and LangWatch."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.sheet import Sheet, documents_of
from runs.values import texts_of
from runs.view import View
from spans.fields import FieldClass


def _weave_facts(view: View, draft: Draft) -> None:
    draft.put("session_id", view.attributes.get("wandb.thread_id"))


WEAVE = Dialect(
    id="weave",
    title="W&B Weave",
    scopes=("weave*",),
    families=frozenset({"wandb"}),
    facts=_weave_facts,
    classes={FieldClass.IDENTIFIER: ("wandb.*",)},
)


def _opik_facts(view: View, draft: Draft) -> None:
    draft.put("session_id", view.attributes.get("opik.thread_id"))
    draft.tag(*texts_of(view.attributes.get("opik.tags")))


OPIK = Dialect(
    id="opik",
    title="Opik",
    families=frozenset({"opik"}),
    facts=_opik_facts,
    classes={FieldClass.CONTENT: ("opik.metadata*",), FieldClass.IDENTIFIER: ("opik.*",)},
)


def _langwatch_facts(view: View, draft: Draft) -> None:
    draft.guess_value(view.text("langwatch.span.type"), Strength.VENDOR, "langwatch.span.type")
    draft.put("session_id", view.attributes.get("langwatch.thread.id"))
    draft.put("user_id", view.attributes.get("langwatch.user.id"))


def _langwatch_content(view: View, sheet: Sheet) -> None:
    if "langwatch.rag.contexts" in view.attributes:
        sheet.put_documents("documents", documents_of(view.structured("langwatch.rag.contexts")))
    sheet.put("input", view.structured("langwatch.input"))
    sheet.put("output", view.structured("langwatch.output"))


LANGWATCH = Dialect(
    id="langwatch",
    title="LangWatch",
    families=frozenset({"langwatch"}),
    facts=_langwatch_facts,
    content=_langwatch_content,
    classes={
        FieldClass.CONTENT: ("langwatch.rag.contexts", "langwatch.input", "langwatch.output"),
        FieldClass.IDENTITY: ("langwatch.user.id",),
        FieldClass.IDENTIFIER: ("langwatch.*",),
    },
)
