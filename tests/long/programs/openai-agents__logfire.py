# pip install 'logfire' openai-agents
"""OpenAI Agents with Logfire, through the Responses API and through chat completions."""

import logfire

logfire.configure(send_to_logfire=False, service_name="refund-service", console=False)
logfire.instrument_openai_agents()

from agents import Agent, Runner, function_tool, set_default_openai_api


@function_tool
def look_up_order(order_id: int) -> str:
    """Look up an order by its number."""
    return "order 7: refunded on Monday"


agent = Agent(name="refund_agent", model="gpt-4o-mini", tools=[look_up_order])
print(Runner.run_sync(agent, "Was order 7 refunded?").final_output)
set_default_openai_api("chat_completions")
agent = Agent(name="refund_agent", model="gpt-4o-mini", tools=[look_up_order])
print(Runner.run_sync(agent, "Was order 7 refunded?").final_output)
logfire.force_flush()
