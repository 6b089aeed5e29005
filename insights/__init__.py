"""Judges: outcomes, cost, drift, near misses, alert rules."""
