"""What an attribute key is to a redactor and to the store: content, identity, identifier, name or plain."""

from __future__ import annotations

from enum import StrEnum


class FieldClass(StrEnum):
    """The class of a raw key. Dialects declare it; redaction rules and storage name it."""

    CONTENT = "content"
    """Prompts, answers, arguments, results, documents, error text: everything is looked for; kept in `span_contents`."""
    IDENTITY = "identity"
    """A user id, an e-mail, an account: who somebody is."""
    IDENTIFIER = "identifier"
    """Ids, hashes, versions, model names, enums, numbers: rules for secrets only, never names of people."""
    NAME = "name"
    """Span, tool, agent and event names: short text that pages group by."""
    PLAIN = "plain"
    """Everything else: pattern rules and secrets; people and places only when it reads like prose."""
