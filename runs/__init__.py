"""Understands: clean evidence in, facts, steps and runs out; pure, no IO."""
