"""Names of model providers in one vocabulary, told apart from names of frameworks (dialects reference, 4.3 and 11.1)."""

from __future__ import annotations

from collections.abc import Mapping

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai", "openai.chat", "openai.responses", "openai.completion", "openai.embedding"),
    "azure.openai": (
        "azure", "azure_openai", "az.ai.openai", "azure.ai.openai", "azure.chat", "azure.responses",
        "azure_openai.chat", "azure.openai",
    ),
    "azure.inference": ("az.ai.inference", "azure.ai.inference", "azure_ai"),
    "anthropic": ("anthropic", "anthropic.messages", "anthropic.chat", "claude"),
    "aws.bedrock": (
        "bedrock", "amazon_bedrock", "amazon-bedrock", "aws_bedrock", "aws", "aws.bedrock", "bedrock_converse",
    ),
    "google.gemini": (
        "gemini", "google", "google_genai", "google.generative-ai", "gcp.gemini", "gcp.gen_ai", "google-ai",
    ),
    "google.vertex": (
        "vertex_ai", "vertexai", "gcp.vertex_ai", "google-vertex", "google.vertex", "google_vertexai", "vertex-ai",
        "anthropic_vertex", "google-vertex-anthropic",
    ),
    "mistral": ("mistral", "mistralai", "mistral_ai"),
    "cohere": ("cohere",),
    "xai": ("xai", "x_ai", "grok"),
    "deepseek": ("deepseek",),
    "groq": ("groq",),
    "perplexity": ("perplexity",),
    "together": ("together", "together_ai", "togetherai"),
    "fireworks": ("fireworks", "fireworks_ai", "fireworks-ai"),
    "moonshot": ("moonshot", "moonshot_ai"),
    "huggingface": ("hugging_face", "huggingface"),
    "ibm.watsonx": ("watsonx", "ibm.watsonx.ai", "ibm.watsonx"),
}  # fmt: skip
_LOOKUP = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}

FRAMEWORKS = frozenset(
    {
        "langchain", "langgraph", "llama_index", "llamaindex", "strands-agents", "autogen", "crewai",
        "gcp.vertex.agent", "microsoft.agent_framework", "microsoft.agents", "semantic_kernel", "haystack",
        "pydantic-ai", "pydantic_ai", "litellm", "github", "_other", "openai_agents", "openai-agents", "smolagents",
        "dspy", "mastra", "agno", "gemini-cli",
    }
)  # fmt: skip
"""Values of `gen_ai.system` and `gen_ai.provider.name` that name a framework, not who runs the model."""


def provider_and_framework(raw: str) -> tuple[str, str]:
    """Sort a raw value into (provider, framework); one of the two is empty.

    An unknown provider is kept in lower case; `x.chat` style suffixes go unless they are in the table.
    """
    lowered = raw.strip().lower()
    if not lowered:
        return "", ""
    known = _LOOKUP.get(lowered)
    if known:
        return known, ""
    if lowered in FRAMEWORKS:
        return "", lowered
    head = lowered.partition(".")[0]
    return _LOOKUP.get(head, lowered), ""
