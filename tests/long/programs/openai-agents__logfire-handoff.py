# pip install 'logfire' openai-agents
"""OpenAI Agents with Logfire: a hand-over in a named conversation."""

import logfire

logfire.configure(send_to_logfire=False, service_name="refund-service", console=False)
logfire.instrument_openai_agents()

import agents

agents.set_default_openai_api("chat_completions")
with agents.trace("Refund desk", group_id="conv-9"):
    billing = agents.Agent(name="billing", model="gpt-4o-mini")
    triage = agents.Agent(name="triage", model="gpt-4o-mini", handoffs=[billing])
    print(agents.Runner.run_sync(triage, "Was order 7 refunded?").final_output)
logfire.force_flush()
