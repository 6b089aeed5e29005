"""The name of the workflow a run belongs to, and which source gave it. Never a UUID, never a bare model name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runs.node import MODEL_KINDS, Node
from spans.kinds import SpanKind
from spans.naming import NamingRules


@dataclass(frozen=True, slots=True)
class Name:
    """A workflow name and its source: rule, attribute, agent, service, root or none."""

    workflow: str
    source: str
    version: str = ""


UNNAMED = "unnamed"

_DEFAULTS = frozenset(
    {
        "agent workflow", "langgraph", "agent run", "agent", "agents", "assistant", "runnablesequence", "workflow",
        "default", "agentexecutor", "invoke_agent", "invoke_workflow", "invocation", "chat", "chatcompletion", "run",
        "unnamed", "unknown", "none", "null", "main", "crew", "crew.kickoff", "flow", "chain", "root", "trace", "strands agents",
        "agent.run", "codeagent.run", "toolcallingagent.run", "codeagent", "toolcallingagent", "react", "predict",
        "ai.generatetext", "ai.streamtext", "ai.generateobject", "ai.streamobject", "openai.chat", "completion",
        "litellm_request", "runnablelambda", "__start__", "agent_run", "execute crew", "response", "generate_content",
        "converse", "messages", "haystack.pipeline.run", "haystack.agent.run", "haystack.agent", "haystack.pipeline", "self", "my-agent", "functionagent.run",
        "reactagent.run", "anthropic.messages.create", "anthropic.messages.stream", "unknown_service",
        "anonymous", "workflowbuilder", "langsmith", "step", "task", "session", "turn", "request",
    }
)  # fmt: skip
"""Names that an SDK gives when nobody chose one."""
_MODELS = re.compile(
    r"^(?:[\w.-]+/)*(?:us\.|eu\.|global\.)?(?:gpt-|o[1345](?:-|$)|chatgpt|claude|gemini|gemma|llama|mistral|mixtral|codestral"
    r"|command-|deepseek|grok|qwen|phi-|nova-|titan|text-embedding|davinci|anthropic\.|amazon\.|meta\.|kimi|glm-|sonar)",
    re.IGNORECASE,
)
_CODING_AGENTS = re.compile(r"^(?:claude|gemini|qwen)[ _-](?:code|cli)\b", re.IGNORECASE)
"""Products that are called after a model's family."""
_UUID = re.compile(r"^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$", re.IGNORECASE)
_UUIDS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_IDS = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{16,}\b|(?<![A-Za-z])\d{2,}(?![A-Za-z])"
    r"|\b(?=\w*\d)[0-9a-f]{8,15}\b|<\w+_[0-9a-z]+>",
    re.IGNORECASE,
)
_OPERATIONS = re.compile(
    r"^(?:invoke_agent|invoke_workflow|execute_tool|create_agent|chat|generate_content|text_completion|embeddings|agent run"
    r"|agent_run|workflow run|execute_task)\s+",
    re.IGNORECASE,
)
_HTTP = re.compile(r"^(GET|POST|PUT|PATCH|DELETE|HEAD)\b")
_SUFFIX = re.compile(
    r"\.(?:workflow|agent|task|tool|run|kickoff|kickoff_async|_execute_core|__call__|forward|invoke|ainvoke|stream|astream)$"
)
"""What decorators and instrumentations put behind a name: the kind of a span or the method that was called."""
_SCRIPT = re.compile(r"\.(?:py|ipynb|[cm]?js|ts)$")
"""Some SDKs call a service after the file that was started; nobody chose that name."""
_PLACEHOLDER = re.compile(r"[-_:./ ]*\{id\}[-_:./ ]*")


def is_telling(name: str, models: Iterable[str] = ()) -> bool:
    """Whether a name was chosen by somebody: no id, no default of an SDK, no model."""
    text = name.strip()
    if not text or _UUID.match(text) or text.lower() in _DEFAULTS:
        return False
    if (_MODELS.match(text) and not _CODING_AGENTS.match(text)) or text.lower() in {
        model.lower() for model in models if model
    }:
        return False
    return re.search(r"[A-Za-z]", text) is not None


def stripped(name: str) -> str:
    """A span name without ids and without the operation in front of it."""
    text = _SUFFIX.sub("", _OPERATIONS.sub("", name.strip()))
    text = _IDS.sub("{id}", text)
    return re.sub(r"(?:\{id\}[-_:./ ]*){2,}", "{id}", text).strip(" -_:./")[:120]


def workflow_name(nodes: Sequence[Node], roots: Sequence[Node], rules: NamingRules) -> Name:
    """The first of: a mapping rule, an explicit attribute, the root agent, the service, the root span (design, section 2)."""
    found = _without_rules(nodes, roots)
    if rules.rules:
        service = next((node.facts.service for node in nodes if node.facts.service), "")
        root = stripped(roots[0].facts.name) if roots else ""
        agent = root_agent(nodes)
        for rule in rules.rules:
            if rule.matches(service=service, agent=agent, name=root, named=found.workflow):
                return Name(rule.workflow, "rule", found.version)
    return found


def _without_rules(nodes: Sequence[Node], roots: Sequence[Node]) -> Name:
    models = {model for node in nodes for model in (node.facts.request_model, node.facts.response_model)}
    agent = root_agent(nodes)
    service = next((node.facts.service for node in nodes if node.facts.service), "")
    version = _version(nodes)
    for explicit in dict.fromkeys(node.facts.workflow for node in nodes):
        chosen = _PLACEHOLDER.sub(" ", _IDS.sub("{id}", explicit)).strip() if _UUIDS.search(explicit) else explicit
        if is_telling(chosen, models):
            return Name(chosen[:120], "attribute", version)
    if is_telling(agent, models):
        return Name(agent[:120], "agent", version)
    if service and not service.startswith("unknown_service") and is_telling(service, models):
        if not _SCRIPT.search(service):
            return Name(service[:120], "service", version)
        script = _SCRIPT.sub("", service)[:120]
    else:
        script = ""
    for node in roots:
        candidate = stripped(node.facts.name)
        if is_telling(candidate, models) and node.kind not in MODEL_KINDS and candidate != "{id}":
            return Name(candidate, "root", version)
    if script:
        return Name(script, "service", version)
    return Name(UNNAMED, "none", version)


def root_agent(nodes: Sequence[Node]) -> str:
    """The name of the outermost, earliest agent that has one; else the first agent name anybody mentions."""
    models = {model for node in nodes for model in (node.facts.request_model, node.facts.response_model)}
    agents = [node for node in nodes if node.kind is SpanKind.AGENT]
    for node in sorted(agents, key=lambda node: (node.depth, node.order)):
        for name in (
            _SUFFIX.sub("", node.agent_name),
            stripped(node.facts.name) if not _HTTP.match(node.facts.name) else "",
        ):
            if is_telling(name, models):
                return name
    return next((node.agent_name for node in nodes if is_telling(node.agent_name, models)), "")


def _version(nodes: Sequence[Node]) -> str:
    """Explicit workflow version, else the root agent's, else the service's."""
    for pick in ("workflow_version", "agent_version", "service_version"):
        found = next((str(getattr(node.facts, pick)) for node in nodes if getattr(node.facts, pick)), "")
        if found:
            return found
    return ""
