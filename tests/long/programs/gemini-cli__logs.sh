# npm install @google/gemini-cli
# Gemini CLI with its telemetry on as its documentation sets it up.
export GEMINI_API_KEY=invented GOOGLE_GEMINI_BASE_URL="$FAKE_MODELS" GEMINI_CLI_TRUST_WORKSPACE=true CI=1
unset GOOGLE_API_KEY OTEL_SERVICE_NAME
mkdir -p "$HOME/.gemini"
cat > "$HOME/.gemini/settings.json" <<SETTINGS
{"security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"enableAutoUpdate": false},
 "telemetry": {"enabled": true, "target": "local", "otlpEndpoint": "$OTEL_EXPORTER_OTLP_ENDPOINT", "otlpProtocol": "http", "traces": false}}
SETTINGS
gemini -p "Was order 7 refunded?" --approval-mode yolo -m gemini-2.5-flash --skip-trust </dev/null
