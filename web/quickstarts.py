"""Quick starts: for the frameworks people use most, the lines to add, what is captured then, and what stays off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuickStart:
    """One framework. `setup` and `use` together are a whole program; tests/long/quickstarts.py runs it."""

    key: str
    label: str
    install: str
    setup: str
    use: str
    captured: str
    off: str
    """What is off unless asked for, and the switch."""
    expects: tuple[str, ...] = ("tokens", "content")
    """What running it must show, beside a model call: `tokens`, `content`, `tool`, `agent`."""
    ran: str = ""
    """Versions it was last run with by tests/long/quickstarts.py; empty while nobody has."""

    @property
    def program(self) -> str:
        """The whole program."""
        return f"{self.setup}\n\n{self.use}"


def _provider(extra: str) -> str:
    return f"""from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
{extra}"""


def _instrumented(module: str, instrumentor: str) -> str:
    return _provider(f"\nfrom {module} import {instrumentor}\n\n{instrumentor}().instrument()\n")


_SDK = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
_OI_OFF = "Nothing. `OPENINFERENCE_HIDE_INPUTS=true` and `OPENINFERENCE_HIDE_OUTPUTS=true` turn messages off."

QUICKSTARTS: tuple[QuickStart, ...] = (
    QuickStart(
        "openai",
        "OpenAI SDK",
        f"pip install openai openinference-instrumentation-openai {_SDK}",
        _instrumented("openinference.instrumentation.openai", "OpenAIInstrumentor"),
        """from openai import OpenAI

with trace.get_tracer("refund-agent").start_as_current_span("invoke_agent refund-agent"):
    answer = OpenAI().chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Was order 7 refunded?"}]
    )
print(answer.choices[0].message.content)
""",
        "Model calls with messages, tools offered, tokens and cached tokens, parameters; retries of the SDK as one call.",
        _OI_OFF + " Tools run in your own code: give each a span named `execute_tool NAME`.",
        ran="openai 3.57.0, openinference-instrumentation-openai 0.1.66",
    ),
    QuickStart(
        "langchain",
        "LangChain, LangGraph",
        f"pip install langchain langchain-openai openinference-instrumentation-langchain {_SDK}",
        _instrumented("openinference.instrumentation.langchain", "LangChainInstrumentor"),
        """from langchain.agents import create_agent


def look_up_order(order_id: int) -> str:
    \"\"\"Look up an order.\"\"\"
    return f"Order {order_id} was refunded on Monday."


agent = create_agent("openai:gpt-4o-mini", tools=[look_up_order], name="refund_agent")
thread = {"configurable": {"thread_id": "ticket-7"}}
found = agent.invoke({"messages": [{"role": "user", "content": "Was order 7 refunded?"}]}, thread)
print(found["messages"][-1].content)
""",
        "Every node, model call and tool with its arguments and result; `thread_id` becomes the session; interrupts for approval.",
        _OI_OFF,
        ("tokens", "content", "tool"),
        ran="langchain 1.5.2, langgraph 1.2.24, openinference-instrumentation-langchain 0.1.80",
    ),
    QuickStart(
        "openai-agents",
        "OpenAI Agents SDK",
        f"pip install openai-agents openinference-instrumentation-openai-agents {_SDK}",
        _instrumented("openinference.instrumentation.openai_agents", "OpenAIAgentsInstrumentor"),
        """from agents import Agent, Runner, function_tool


@function_tool
def look_up_order(order_id: int) -> str:
    \"\"\"Look up an order.\"\"\"
    return f"Order {order_id} was refunded on Monday."


agent = Agent(name="refund-agent", instructions="Answer from the order system.", tools=[look_up_order])
print(Runner.run_sync(agent, "Was order 7 refunded?").final_output)
""",
        "Agents, turns, model calls with messages and tokens, tools with arguments and results, handoffs, guardrails.",
        "Why a tool failed: the SDK hides it unless tracing may hold sensitive data. The group id is not exported: no session.",
        ("tokens", "content", "tool", "agent"),
        ran="openai-agents 0.24.0, openinference-instrumentation-openai-agents 2.6.0",
    ),
    QuickStart(
        "anthropic",
        "Anthropic SDK",
        f"pip install anthropic openinference-instrumentation-anthropic {_SDK}",
        _instrumented("openinference.instrumentation.anthropic", "AnthropicInstrumentor"),
        """from anthropic import Anthropic

with trace.get_tracer("refund-agent").start_as_current_span("invoke_agent refund-agent"):
    answer = Anthropic().messages.create(
        model="claude-sonnet-4-5",
        max_tokens=200,
        messages=[{"role": "user", "content": "Was order 7 refunded?"}],
    )
print(answer.content[0].text)
""",
        "Model calls with messages, tokens, cache reads and writes. The SDK's own span of the same call is counted once with it.",
        "Without the instrumentation the SDK (2.x) writes spans by itself, but no messages.",
        ran="anthropic 2.14.0, openinference-instrumentation-anthropic 3.1.0",
    ),
    QuickStart(
        "pydantic-ai",
        "Pydantic AI",
        f"pip install 'pydantic-ai-slim[openai]' {_SDK}",
        _provider("\nfrom pydantic_ai import Agent\n\nAgent.instrument_all()\n"),
        """agent = Agent("openai-chat:gpt-4o-mini", name="refund_agent")


@agent.tool_plain
def look_up_order(order_id: int) -> str:
    \"\"\"Look up an order.\"\"\"
    return f"Order {order_id} was refunded on Monday."


print(agent.run_sync("Was order 7 refunded?").output)
""",
        "Agents, model calls with messages, tokens and cost, tools with arguments and results, deferred approvals.",
        "Nothing. `InstrumentationSettings(include_content=False)` turns messages off.",
        ("tokens", "content", "tool", "agent"),
        ran="pydantic-ai-slim 2.68.0",
    ),
    QuickStart(
        "llamaindex",
        "LlamaIndex",
        f"pip install llama-index-core llama-index-llms-openai openinference-instrumentation-llama-index {_SDK}",
        _instrumented("openinference.instrumentation.llama_index", "LlamaIndexInstrumentor"),
        """import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI


def look_up_order(order_id: int) -> str:
    \"\"\"Look up an order.\"\"\"
    return f"Order {order_id} was refunded on Monday."


async def main() -> None:
    agent = FunctionAgent(name="refund_agent", tools=[look_up_order], llm=OpenAI(model="gpt-4o-mini"), streaming=False)
    print(await agent.run("Was order 7 refunded?"))


asyncio.run(main())
""",
        "Workflows step by step, model calls with messages and tokens, tools, retrievals with documents and scores.",
        _OI_OFF + " Streamed calls carry no tokens unless the model is asked to include usage.",
        ("tokens", "content", "tool"),
    ),
    QuickStart(
        "google-genai",
        "Google Gen AI SDK (Gemini)",
        f"pip install google-genai openinference-instrumentation-google-genai {_SDK}",
        _instrumented("openinference.instrumentation.google_genai", "GoogleGenAIInstrumentor"),
        """from google import genai

client = genai.Client()
with trace.get_tracer("refund-agent").start_as_current_span("invoke_agent refund-agent"):
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="Was order 7 refunded?")
print(answer.text)
""",
        "Model calls with messages, tokens, thoughts and cached tokens.",
        _OI_OFF + " Automatic function calling is one span that carries the usage of its last call only.",
        ran="google-genai 3.6.1, openinference-instrumentation-google-genai 1.4.14",
    ),
    QuickStart(
        "litellm",
        "LiteLLM",
        f"pip install litellm {_SDK}",
        """import litellm

litellm.callbacks = ["otel"]
""",
        """answer = litellm.completion(
    model="openai/gpt-4o-mini",
    messages=[{"role": "user", "content": "Was order 7 refunded?"}],
    metadata={"generation_name": "refund-agent"},
)
print(answer.choices[0].message.content)
""",
        "Model calls with messages, tokens and LiteLLM's own cost (kept beside ours), guardrails, the key's alias and team.",
        "Nothing. `litellm.turn_off_message_logging = True` turns messages off.",
        ran="litellm 1.110.2",
    ),
    QuickStart(
        "haystack",
        "Haystack",
        f"pip install haystack-ai opentelemetry-haystack {_SDK}",
        'import os\n\nos.environ["HAYSTACK_CONTENT_TRACING_ENABLED"] = "true"\n\n'
        + _provider(
            "\nfrom haystack import tracing\nfrom haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer\n\n"
            'tracing.enable_tracing(OpenTelemetryTracer(trace.get_tracer("haystack")))\n'
        ),
        """from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import tool


@tool
def look_up_order(order_id: int) -> str:
    \"\"\"Look up an order.\"\"\"
    return f"Order {order_id} was refunded on Monday."


agent = Agent(chat_generator=OpenAIChatGenerator(model="gpt-4o-mini"), tools=[look_up_order])
print(agent.run([ChatMessage.from_user("Was order 7 refunded?")])["messages"][-1].text)
""",
        "Pipelines, agents, model calls, tools, retrievals; with content also messages and tokens, which stand inside it.",
        "Content **and tokens**: set `HAYSTACK_CONTENT_TRACING_ENABLED=true` before the import, as above.",
        ("tokens", "content", "tool"),
        ran="haystack-ai 3.4.1, opentelemetry-haystack 2.0.0",
    ),
    QuickStart(
        "smolagents",
        "smolagents",
        f"pip install 'smolagents[openai]' openinference-instrumentation-smolagents {_SDK}",
        _instrumented("openinference.instrumentation.smolagents", "SmolagentsInstrumentor"),
        """from smolagents import OpenAIModel, ToolCallingAgent, tool


@tool
def look_up_order(order_id: int) -> str:
    \"\"\"Look up an order.

    Args:
        order_id: number of the order
    \"\"\"
    return f"Order {order_id} was refunded on Monday."


agent = ToolCallingAgent(tools=[look_up_order], model=OpenAIModel("gpt-4o-mini"), name="refund_agent")
print(agent.run("Was order 7 refunded?"))
""",
        "Agents, steps, model calls with messages and tokens, tools. The agent's own sums are shown and not counted again.",
        _OI_OFF,
        ("tokens", "content", "tool"),
        ran="smolagents 1.26.0, openinference-instrumentation-smolagents 0.1.43",
    ),
)
"""Most used first."""
