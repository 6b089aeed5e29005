"""Keeps and finds: the only room with SQL."""
