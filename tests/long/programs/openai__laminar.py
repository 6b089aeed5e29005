# pip install 'lmnr[openai]' openai
"""The OpenAI SDK with Laminar."""

import os
from urllib.parse import urlsplit

from lmnr import Instruments, Laminar, observe

place = urlsplit(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
Laminar.initialize(
    project_api_key="invented",
    base_url=f"http://{place.hostname}",
    http_port=place.port,
    force_http=True,
    disable_batch=True,
    instruments={Instruments.OPENAI},
)

import json

import openai

client = openai.OpenAI()
parameters = {"type": "object", "properties": {"order_id": {"type": "integer"}}}
tools = [{"type": "function", "function": {"name": "look_up_order", "description": "x", "parameters": parameters}}]


@observe(span_type="TOOL")
def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


@observe(name="refund_agent", session_id="s-1", user_id="u-1")
def answer(question: str) -> str:
    """Ask, call, ask again."""
    messages = [{"role": "user", "content": question}]
    message = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=tools).choices[0].message
    call = message.tool_calls[0]
    messages += [
        {"role": "assistant", "tool_calls": [call.model_dump()]},
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": look_up_order(**json.loads(call.function.arguments)),
        },
    ]
    return (
        client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=tools).choices[0].message.content
    )


print(answer("Was order 7 refunded?"))
Laminar.flush()
