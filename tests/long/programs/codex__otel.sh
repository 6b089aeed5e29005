# npm install @openai/codex
# Codex CLI with its log records and traces.
unset OTEL_SERVICE_NAME
mkdir -p "$HOME/.codex"
cat > "$HOME/.codex/config.toml" <<CONFIG
model = "gpt-5-codex"
model_provider = "fake"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.fake]
name = "fake"
base_url = "$FAKE_MODELS/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[otel]
environment = "test"
log_user_prompt = true
exporter = { otlp-http = { endpoint = "$OTEL_EXPORTER_OTLP_ENDPOINT/v1/logs", protocol = "binary" } }
trace_exporter = { otlp-http = { endpoint = "$OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces", protocol = "binary" } }
CONFIG
codex exec --skip-git-repo-check "Was order 7 refunded?" </dev/null
