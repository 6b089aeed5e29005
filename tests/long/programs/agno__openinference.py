# pip install agno openai openinference-instrumentation-agno openinference-instrumentation-openai opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
"""Agno, with its own instrumentation and that of the OpenAI SDK below it: every call is told twice."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "refund-service"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))

from openinference.instrumentation.agno import AgnoInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

AgnoInstrumentor().instrument(tracer_provider=provider)
OpenAIInstrumentor().instrument(tracer_provider=provider)

from agno.agent import Agent
from agno.models.openai import OpenAIChat


def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


agent = Agent(name="refund_agent", model=OpenAIChat(id="gpt-4o-mini"), tools=[look_up_order])
print(agent.run("Was order 7 refunded?", session_id="s-1", user_id="u-1").content)
