# pip install langwatch openai
"""The OpenAI SDK inside functions that LangWatch traces."""

import os

import langwatch

langwatch.setup(api_key="invented", endpoint_url=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])

import openai

client = openai.OpenAI()


@langwatch.span(type="tool", name="look_up_order")
def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


@langwatch.trace(name="refund_agent", metadata={"thread_id": "t-1", "user_id": "u-1"})
def answer(question: str) -> str:
    """Ask once."""
    langwatch.get_current_trace().autotrack_openai_calls(client)
    asked = [{"role": "user", "content": question}]
    return client.chat.completions.create(model="gpt-4o-mini", messages=asked).choices[0].message.content


print(answer("Was order 7 refunded?"))
