# pip install openlit llama-index-core llama-index-llms-openai
"""LlamaIndex with OpenLIT."""

import os

import openlit

openlit.init(
    otlp_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], application_name="refund-service", disable_batch=True
)

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI


def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


async def main() -> None:
    """Ask once."""
    model = OpenAI(model="gpt-4o-mini")
    agent = FunctionAgent(name="refund_agent", tools=[look_up_order], llm=model, streaming=False)
    print(await agent.run("Was order 7 refunded?"))


asyncio.run(main())
