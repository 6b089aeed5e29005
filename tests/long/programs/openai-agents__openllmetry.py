# pip install traceloop-sdk httpx openai-agents
"""OpenAI Agents with OpenLLMetry: two reporters of every call."""

import os

from traceloop.sdk import Traceloop

Traceloop.init(app_name="refund-service", api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], disable_batch=True)

from agents import Agent, Runner, function_tool, set_default_openai_api


@function_tool
def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


set_default_openai_api("chat_completions")
agent = Agent(name="refund_agent", model="gpt-4o-mini", tools=[look_up_order])
print(Runner.run_sync(agent, "Was order 7 refunded?").final_output)
