# pip install openlit langchain langchain-openai langgraph
"""LangGraph with OpenLIT."""

import os

import openlit

openlit.init(
    otlp_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], application_name="refund-service", disable_batch=True
)

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI


def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


agent = create_agent(ChatOpenAI(model="gpt-4o-mini"), tools=[look_up_order], name="refund_agent")
told = agent.invoke({"messages": [("user", "Was order 7 refunded?")]}, {"configurable": {"thread_id": "t-1"}})
print(told["messages"][-1].content)
