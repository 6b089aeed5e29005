"""Cleans: text and JSON in, clean text and notes out; knows nothing of OTLP or storage."""
