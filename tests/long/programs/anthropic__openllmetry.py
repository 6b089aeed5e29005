# pip install traceloop-sdk httpx anthropic
"""Anthropic's SDK with OpenLLMetry, with a tool that the program calls itself."""

import os

from traceloop.sdk import Traceloop

Traceloop.init(app_name="refund-service", api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], disable_batch=True)

import anthropic

client = anthropic.Anthropic()
schema = {"type": "object", "properties": {"order_id": {"type": "integer"}}}
tools = [{"name": "look_up_order", "description": "x", "input_schema": schema}]
messages = [{"role": "user", "content": "Was order 7 refunded?"}]
answer = client.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=messages, tools=tools)
call = next(block for block in answer.content if block.type == "tool_use")
result = {"type": "tool_result", "tool_use_id": call.id, "content": "order 7: refunded on Monday"}
messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
print(client.messages.create(model="claude-sonnet-4-5", max_tokens=100, messages=messages, tools=tools).content)
