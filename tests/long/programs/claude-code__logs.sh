# npm install @anthropic-ai/claude-code
# Claude Code as its documentation sets it up: log records alone.
export ANTHROPIC_BASE_URL="$FAKE_MODELS" ANTHROPIC_API_KEY=sk-ant-invented
export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_LOG_USER_PROMPTS=1 OTEL_LOG_TOOL_DETAILS=1 OTEL_LOG_TOOL_CONTENT=1
export OTEL_LOGS_EXPORT_INTERVAL=300 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 CI=1
unset OTEL_SERVICE_NAME
claude -p "Was order 7 refunded?" --tools Bash --allowedTools Bash --model claude-sonnet-4-5 </dev/null
