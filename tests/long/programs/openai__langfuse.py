# pip install langfuse openai
"""The OpenAI SDK wrapped by Langfuse, inside functions that it observes."""

import os

os.environ["LANGFUSE_PUBLIC_KEY"], os.environ["LANGFUSE_SECRET_KEY"] = "pk-lf-invented", "sk-lf-invented"
os.environ["LANGFUSE_HOST"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]

from langfuse import get_client, observe
from langfuse.openai import openai


@observe(as_type="agent", name="refund_agent")
def answer(question: str) -> str:
    """Ask once."""
    asked = [{"role": "user", "content": question}]
    return openai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=asked).choices[0].message.content


print(answer("Was order 7 refunded?"))
get_client().flush()
