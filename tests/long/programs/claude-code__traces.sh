# npm install @anthropic-ai/claude-code
# Claude Code with detailed traces: prompts, tool input and output, and the spans of its beta.
export ANTHROPIC_BASE_URL="$FAKE_MODELS" ANTHROPIC_API_KEY=sk-ant-invented
export CLAUDE_CODE_ENABLE_TELEMETRY=1 CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1 ENABLE_BETA_TRACING_DETAILED=1
export BETA_TRACING_ENDPOINT="$OTEL_EXPORTER_OTLP_ENDPOINT" OTEL_TRACES_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_LOG_USER_PROMPTS=1 OTEL_LOG_TOOL_DETAILS=1 OTEL_LOG_TOOL_CONTENT=1
export OTEL_LOGS_EXPORT_INTERVAL=300 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 CI=1
unset OTEL_SERVICE_NAME
claude -p "Was order 7 refunded?" --tools Bash --allowedTools Bash --model claude-sonnet-4-5 </dev/null
