# pip install litellm openinference-instrumentation-litellm opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
"""LiteLLM, one call."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "refund-service"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))

from openinference.instrumentation.litellm import LiteLLMInstrumentor

LiteLLMInstrumentor().instrument(tracer_provider=provider)

import litellm

asked = [{"role": "user", "content": "Was order 7 refunded?"}]
print(litellm.completion(model="openai/gpt-4o-mini", messages=asked).choices[0].message.content)
