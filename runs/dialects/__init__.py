"""The ways instrumentations write spans: one file each, in the visible list `DIALECTS`."""

from __future__ import annotations

from runs.dialects.adk import ADK
from runs.dialects.adot import ADOT
from runs.dialects.agentops import AGENTOPS
from runs.dialects.ai import AI7, AI_LEGACY
from runs.dialects.anthropic_sdk import ANTHROPIC_SDK
from runs.dialects.autogen import AUTOGEN
from runs.dialects.base import Dialect
from runs.dialects.braintrust import BRAINTRUST
from runs.dialects.cc import CLAUDE_CODE
from runs.dialects.codex import CODEX
from runs.dialects.copilot import COPILOT
from runs.dialects.crewai import CREWAI
from runs.dialects.gemini import GEMINI_CLI
from runs.dialects.genkit import GENKIT
from runs.dialects.haystack import HAYSTACK
from runs.dialects.langwatch import LANGWATCH
from runs.dialects.lf import LANGFUSE
from runs.dialects.litellm import LITELLM
from runs.dialects.livekit import LIVEKIT
from runs.dialects.lmnr import LAMINAR
from runs.dialects.logfire import LOGFIRE
from runs.dialects.ls import LANGSMITH
from runs.dialects.maf import AGENT_FRAMEWORK
from runs.dialects.mastra import MASTRA
from runs.dialects.mcp import MCP
from runs.dialects.mlflow import MLFLOW
from runs.dialects.oi import OPENINFERENCE
from runs.dialects.openlit import OPENLIT
from runs.dialects.otel import OTEL
from runs.dialects.otel_legacy import OTEL_LEGACY
from runs.dialects.platforms import OPIK, WEAVE
from runs.dialects.pyd import PYDANTIC_AI
from runs.dialects.sk import SEMANTIC_KERNEL
from runs.dialects.springai import SPRING_AI
from runs.dialects.strands import STRANDS
from runs.dialects.tl import TRACELOOP
from runs.dialects.tl_legacy import TRACELOOP_LEGACY
from runs.dialects.voltagent import VOLTAGENT

DIALECTS: tuple[Dialect, ...] = (
    LANGFUSE,
    LAMINAR,
    MLFLOW,
    LANGSMITH,
    AI_LEGACY,
    AI7,
    PYDANTIC_AI,
    LOGFIRE,
    ADK,
    STRANDS,
    MASTRA,
    HAYSTACK,
    CLAUDE_CODE,
    ANTHROPIC_SDK,
    CODEX,
    GEMINI_CLI,
    COPILOT,
    LITELLM,
    CREWAI,
    AUTOGEN,
    AGENT_FRAMEWORK,
    SEMANTIC_KERNEL,
    OPENLIT,
    AGENTOPS,
    BRAINTRUST,
    VOLTAGENT,
    LIVEKIT,
    GENKIT,
    SPRING_AI,
    LANGWATCH,
    WEAVE,
    OPIK,
    ADOT,
    MCP,
    OTEL,
    OPENINFERENCE,
    TRACELOOP,
    OTEL_LEGACY,
    TRACELOOP_LEGACY,
)
"""In order of trust: where two dialects on one span disagree, the earlier wins (dialects reference, section 0)."""
