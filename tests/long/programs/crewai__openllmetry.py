# pip install traceloop-sdk httpx crewai litellm
"""CrewAI with OpenLLMetry."""

import os

from traceloop.sdk import Traceloop

Traceloop.init(app_name="refund-service", api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], disable_batch=True)

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool


@tool("look_up_order")
def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


agent = Agent(
    role="refund_agent", goal="Answer", backstory="Support", tools=[look_up_order], llm=LLM(model="openai/gpt-4o-mini")
)
task = Task(description="Was order 7 refunded?", expected_output="One sentence", agent=agent)
print(Crew(name="refunds", agents=[agent], tasks=[task]).kickoff())
