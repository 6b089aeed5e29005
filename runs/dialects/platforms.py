"""Platforms that only add ids and tags to spans of other instrumentations: Weave and Opik."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
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
