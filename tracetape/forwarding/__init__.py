"""Forwards redacted spans to one other backend as OTLP, from a journal with an offset of its own."""
