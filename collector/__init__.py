"""Receives: OTLP in, clean evidence out."""
