# pip install langfuse langchain langchain-openai langgraph
"""LangGraph with Langfuse's callback."""

import os

os.environ["LANGFUSE_PUBLIC_KEY"], os.environ["LANGFUSE_SECRET_KEY"] = "pk-lf-invented", "sk-lf-invented"
os.environ["LANGFUSE_HOST"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langfuse import get_client, propagate_attributes
from langfuse.langchain import CallbackHandler


def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


agent = create_agent(ChatOpenAI(model="gpt-4o-mini"), tools=[look_up_order], name="refund_agent")
with propagate_attributes(session_id="s-1", user_id="u-1"):
    told = agent.invoke({"messages": [("user", "Was order 7 refunded?")]}, {"callbacks": [CallbackHandler()]})
print(told["messages"][-1].content)
get_client().flush()
