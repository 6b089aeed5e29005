"""Sends messages: a process of its own, the only one that connects to the outside and the only one with apprise."""
