# pip install groq openinference-instrumentation-groq opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
"""Groq, with a tool that the program calls itself."""

import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "refund-service"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))

from openinference.instrumentation.groq import GroqInstrumentor

GroqInstrumentor().instrument(tracer_provider=provider)

import groq

client = groq.Groq(api_key="invented", base_url=os.environ["FAKE_MODELS"])
parameters = {"type": "object", "properties": {"order_id": {"type": "integer"}}}
tools = [{"type": "function", "function": {"name": "look_up_order", "description": "x", "parameters": parameters}}]
messages = [{"role": "user", "content": "Was order 7 refunded?"}]
answer = client.chat.completions.create(model="llama-3.3-70b-versatile", messages=messages, tools=tools)
call = answer.choices[0].message.tool_calls[0]
messages += [
    {"role": "assistant", "tool_calls": [call.model_dump()]},
    {"role": "tool", "tool_call_id": call.id, "content": "order 7: refunded on Monday"},
]
answer = client.chat.completions.create(model="llama-3.3-70b-versatile", messages=messages, tools=tools)
print(answer.choices[0].message.content)
