# pip install instructor openai openinference-instrumentation-instructor openinference-instrumentation-openai opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
"""Instructor: an answer in a schema."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "refund-service"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))

from openinference.instrumentation.instructor import InstructorInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

InstructorInstrumentor().instrument(tracer_provider=provider)
OpenAIInstrumentor().instrument(tracer_provider=provider)

import instructor
import openai
from pydantic import BaseModel


class Answer(BaseModel):
    """What is asked for."""

    answer: str


asked = [{"role": "user", "content": "Was order 7 refunded?"}]
client = instructor.from_openai(openai.OpenAI())
print(client.chat.completions.create(model="gpt-4o-mini", response_model=Answer, messages=asked))
