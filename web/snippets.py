"""How to point an agent at us: short programs to copy, one per common stack, with the caller's own endpoints in them."""

from __future__ import annotations

from dataclasses import dataclass

from web.quickstarts import QUICKSTARTS
from web.services import Endpoints


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to send: what to install, what to write, and the setting that turns content on."""

    key: str
    label: str
    install: str
    code: str
    note: str = ""


KEY_PLACE = "<your ingest key>"


def build_snippets(endpoints: Endpoints, *, with_key: bool) -> tuple[Snippet, ...]:
    """The snippets, most used first."""
    header = f'\nexport OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{KEY_PLACE}"' if with_key else ""
    env = f'export OTEL_EXPORTER_OTLP_ENDPOINT="{endpoints.http}"\nexport OTEL_SERVICE_NAME="refund-agent"{header}\n'
    return (
        *(
            Snippet(
                start.key,
                start.label,
                start.install,
                f"{env}\n# main.py\n{start.program}",
                f"{start.captured} Off by default: {start.off}",
            )
            for start in QUICKSTARTS
        ),
        Snippet(
            "openllmetry",
            "OpenLLMetry (Traceloop)",
            "pip install traceloop-sdk",
            f'export TRACELOOP_BASE_URL="{endpoints.http}"'
            + (f'\nexport TRACELOOP_HEADERS="Authorization=Bearer%20{KEY_PLACE}"' if with_key else "")
            + '\n\n# main.py\nfrom traceloop.sdk import Traceloop\n\nTraceloop.init(app_name="refund-agent", disable_batch=True)\n',
            "Also covers Anthropic, Bedrock, Vertex and the common vector stores.",
        ),
        Snippet(
            "otel",
            "OpenTelemetry, Python",
            "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-grpc",
            _plain_python(endpoints, with_key=with_key),
            "Nothing but the SDK; attribute names are those of the GenAI conventions.",
        ),
        Snippet(
            "node",
            "Node.js",
            "npm install @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-http",
            _node(endpoints, with_key=with_key),
            "The Vercel AI SDK: pass experimental_telemetry: { isEnabled: true } to every call.",
        ),
        Snippet(
            "curl",
            "curl",
            "",
            curl_line(endpoints, with_key=with_key),
            "One span of OTLP/JSON, to see that the way is open.",
        ),
    )


def _plain_python(endpoints: Endpoints, *, with_key: bool) -> str:
    key = f', headers={{"authorization": "Bearer {KEY_PLACE}"}}' if with_key else ""
    return f"""from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource({{"service.name": "refund-agent"}}))
exporter = OTLPSpanExporter(endpoint="{endpoints.grpc}", insecure=True{key})
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

tracer = trace.get_tracer("my-agent")
with tracer.start_as_current_span("invoke_agent refund-agent") as agent:
    agent.set_attribute("gen_ai.operation.name", "invoke_agent")
    agent.set_attribute("gen_ai.agent.name", "refund-agent")
    with tracer.start_as_current_span("chat gpt-4o-mini") as call:
        call.set_attribute("gen_ai.operation.name", "chat")
        call.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        call.set_attribute("gen_ai.usage.input_tokens", 639)
        call.set_attribute("gen_ai.usage.output_tokens", 57)
provider.force_flush()
"""


def _node(endpoints: Endpoints, *, with_key: bool) -> str:
    key = f',\n    headers: {{ Authorization: "Bearer {KEY_PLACE}" }}' if with_key else ""
    return f"""// tracing.mjs: node --import ./tracing.mjs app.mjs
import {{ NodeSDK }} from "@opentelemetry/sdk-node";
import {{ OTLPTraceExporter }} from "@opentelemetry/exporter-trace-otlp-http";

const sdk = new NodeSDK({{
  serviceName: "refund-agent",
  traceExporter: new OTLPTraceExporter({{
    url: "{endpoints.http}/v1/traces"{key}
  }}),
}});
sdk.start();
process.on("beforeExit", () => sdk.shutdown());
"""


def curl_line(endpoints: Endpoints, *, with_key: bool) -> str:
    """A line for a terminal that sends one finished model call of now."""
    key = f" \\\n  -H 'Authorization: Bearer {KEY_PLACE}'" if with_key else ""
    body = (
        '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello-agent"}}]},'
        '"scopeSpans":[{"scope":{"name":"curl"},"spans":[{"traceId":"\'$(openssl rand -hex 16)\'",'
        '"spanId":"\'$(openssl rand -hex 8)\'","name":"invoke_agent hello","kind":1,'
        '"startTimeUnixNano":"\'$(date +%s)000000000\'","endTimeUnixNano":"\'$(date +%s)500000000\'",'
        '"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"invoke_agent"}},'
        '{"key":"gen_ai.agent.name","value":{"stringValue":"hello"}}]}]}]}]}'
    )
    return f"curl -sS {endpoints.http}/v1/traces \\\n  -H 'Content-Type: application/json'{key} \\\n  -d '{body}'"


CONTENT_SWITCHES: dict[str, str] = {
    "otel": "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
    "oi": "OPENINFERENCE_HIDE_INPUTS=false and OPENINFERENCE_HIDE_OUTPUTS=false",
    "tl": "TRACELOOP_TRACE_CONTENT=true",
    "tl-legacy": "TRACELOOP_TRACE_CONTENT=true",
    "otel-legacy": "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
    "adk": "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
    "ai-legacy": "leave recordInputs and recordOutputs of experimental_telemetry on",
    "ai7": "leave recordInputs and recordOutputs of the telemetry settings on",
    "anthropic-sdk": "add openinference-instrumentation-anthropic; the SDK's own spans hold no messages",
    "autogen": "add an instrumentation of the model client; AutoGen's own spans hold no messages",
    "cc": "OTEL_LOG_USER_PROMPTS=1 and OTEL_LOG_TOOL_DETAILS=1",
    "codex": "log_user_prompt = true under [otel] in config.toml",
    "gemini": "telemetry.logPrompts: true in settings.json",
    "haystack": "HAYSTACK_CONTENT_TRACING_ENABLED=true before the import",
    "litellm": "litellm.turn_off_message_logging = False",
    "logfire": "InstrumentationSettings(include_content=True)",
    "maf": "ENABLE_SENSITIVE_DATA=true",
    "pyd": "InstrumentationSettings(include_content=True)",
    "sk": "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE=true",
}
"""The setting that makes each instrumentation send messages."""
