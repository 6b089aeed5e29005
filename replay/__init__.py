"""Plays: recordings, digests, comparison."""
