"""Detectors: one file per family of values, each behind a cheap exact test; the list is in `catalog`."""
